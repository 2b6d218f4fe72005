/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver leaves the device: balloon_stop(), empty.c and balloon_forget().
 *
 * The rule: what waits here without a limit waits for the guest alone. In the end every
 * page is free, every request is back, and nothing is owed.
 */
/* A reset is the answer to every request. */
inline queues_forget()
{
	d_step {
		if
		:: is_posted(NAMING, 0) -> answer_naming(0)
		:: else
		fi;
		if
		:: is_posted(NAMING, 1) -> answer_naming(1)
		:: else
		fi;
		if
		:: is_posted(NAMING, 2) -> answer_naming(2)
		:: else
		fi;
		if
		:: is_posted(NAMING, 3) -> answer_naming(3)
		:: else
		fi
	};
	do
	:: has_answers(NAMING) -> queue_settle_naming()
	:: !has_answers(NAMING) -> break
	od;
	atomic {
		if
		:: is_posted(DEFLATE, 0) -> answer_deflate(0)
		:: else
		fi;
		if
		:: is_posted(DEFLATE, 1) -> answer_deflate(1)
		:: else
		fi;
		if
		:: is_posted(DEFLATE, 2) -> answer_deflate(2)
		:: else
		fi;
		if
		:: is_posted(DEFLATE, 3) -> answer_deflate(3)
		:: else
		fi
	}
}

/* Ends when the balloon is empty, when the device is silent, or when its time is up. */
inline empty_to_device()
{
	deflate_tell_owed(told);
	told = false;
	do
	:: hold_count > 0 && tell_works ->
progress_time:						/* EMPTY_TIME ends it */
		deflate_run(0, false);
		if
		:: !gone -> tell_wait_answers(error)
		:: else
		fi;
		if
		:: error -> break
		:: else
		fi
	:: hold_count == 0 || !tell_works -> break
	:: true -> break
	od;
	tell_wait_inflated(error);
	if
	:: !error -> tell_wait_deflated(error)
	:: else
	fi;
	error = false;
	gone = false
}

inline reset()
{
	d_step {
		host_has[0] = false;
		host_has[1] = false;
		host_has[2] = false;
		host_has[3] = false
	}
}

/* By ranges the naming queue is the reporting queue, which is forgotten just after. */
inline tell_forget()
{
	queues_forget();
	atomic { owed[0] = false; owed[1] = false; owed[2] = false; owed[3] = false }
}

#define hold_is_empty (hold_count == 0 && movers_inside == 0)

/* It sleeps until compaction has put a page back, or everything is empty. */
inline empty_without_device()
{
	do
	:: has_block(HELD) -> hold_get_block(item); source_give_back(item); item = NONE
	:: has_page(HELD) ->
		hold_get(item);
		if
		:: item != NONE -> source_give_back(item); item = NONE
		:: else
		fi
	:: hold_is_empty -> break
	od
}

inline migrate_forget()
{
	migrate_change(MIGRATE_OWED, MIGRATE_IDLE, found);
	if
	:: found == MIGRATE_OWED ->
		d_step { put_page(migrate_old); migrate_old = NONE };
		migrate_put(0)
	:: else
	fi;
	found = MIGRATE_IDLE
}

#define is_idle(q) (queues[q].out == 0 && queues[q].busy == 0)
#define is_back(page) (place[page] == FREE || place[page] == ABSENT)
#define all_free (is_back(0) && is_back(1) && is_back(2) && is_back(3))

active proctype Stop()
{
	locals;

	atomic {
		!balloon_lock && (MOVERS < 2 || movers_inside == 0) ->
		balloon_lock = true;
		stopping = true;
		last_moves = (MOVERS == 2 -> 0 : last_moves)
	};
	notifier = false;
	calls_inside == 0;			/* pressure_stop() */
	worker_stops = true;
	worker_stopped;				/* resize_stop() */
	empty_to_device();
	queues[NAMING].open = false;
	queues[DEFLATE].open = false;

	reset();
	tell_forget();
	reports = false;
	!report_inside;				/* report_stop() */
	empty_without_device();
	migrate_forget();
	balloon_lock = false;
	assert(all_free);
	assert(is_idle(NAMING) && is_idle(DEFLATE));
	assert(migrate_state == MIGRATE_IDLE && early == NONE);
}
