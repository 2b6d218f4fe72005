/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker: step.c and inflate.c. The target is whatever it likes at each step.
 *
 * The rule: it takes memory only when nothing is in the way, and names it only when all
 * that came back was told and answered.
 */
inline inflate_post_block()
{
	d_step { missing = 2; move_to(BLOCK, NAMED) };
	queue_post(NAMING, 0, WORKER, done);
	posted = done;
	queue_post(NAMING, 1, WORKER, done);
	posted = posted + done;
	done = false;
	if
	:: posted == 2
	:: posted < 2 ->
		queue_put(NAMING, 2 - posted);
		d_step {
			missing = missing - (2 - posted);
			if
			:: missing == 0 && posted > 0 -> move_to(BLOCK, HELD); item = NONE
			:: missing == 0 && posted == 0 -> move_to(BLOCK, TAKEN)
			:: else -> item = NONE
			fi
		};
		if
		:: item != NONE -> source_give_back(item)
		:: else
		fi
	fi;
	posted = 0
}

/* One page; by ranges also a block, in one request. */
inline inflate_post()
{
	d_step { move_to(item, NAMED) };
	queue_post(NAMING, (item == BLOCK -> 0 : item), WORKER, done);
	if
	:: !done -> queue_put(NAMING, 1); source_give_back(item)
	:: else
	fi;
	done = false
}

inline inflate_memory()
{
	tell_wait_deflated(error);
	if
	:: !error && item == BLOCK && !BY_RANGES ->
		tell_take_naming(RESERVE, 2, took)
	:: !error && (item != BLOCK || BY_RANGES) ->
		tell_take_naming((BY_RANGES -> 0 : RESERVE), 1, took)
	:: error
	fi;
	if
	:: took && item == BLOCK && !BY_RANGES -> inflate_post_block()
	:: took && (item != BLOCK || BY_RANGES) -> inflate_post()
	:: !took -> source_give_back(item)
	fi;
	error = false;
	took = false
}

/* The guest may have come to need what was taken: need_lasts(). */
inline step_name()
{
	if
	:: kept = item; deflate_tell_owed(told); item = kept; kept = NONE
	:: told = false
	fi;
	if
	:: told -> inflate_memory()
	:: else -> source_give_back(item)
	fi;
	told = false
}

/* That the worker looks before it takes memory, too, spares work and is left out. */
inline step_inflate()
{
	source_take(item);
	if
	:: item != NONE -> step_name()
	:: else
	fi;
	item = NONE
}

#if MOVERS < 2
#define WORKERS 1
#else
#define WORKERS 0
#endif

active [WORKERS] proctype Worker()
{
	byte kept = NONE;
	locals;

	do
	:: !worker_stops ->
progress_step:
		queue_settle_naming();			/* tell_settle() */
		if
		:: tell_works -> step_inflate()
		:: tell_works && hold_count > 0 -> deflate_run(RESERVE, false); gone = false
		:: tell_works -> deflate_tell_owed(told); told = false
		:: !tell_works
		fi
	:: break					/* there may be nothing to do */
	od;
	worker_stopped = true
}
