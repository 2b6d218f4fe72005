/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for the device, and settling what it has answered.
 *
 * The rule: whoever waits settles, for others too. Every wait may end at its limit, which
 * here is any moment: so nothing that is true here depends on how long a limit is.
 */
inline migrate_change(from, to, found)
{
	d_step {
		found = migrate_state;
		if
		:: found == from -> migrate_state = to
		:: else
		fi
	}
}

/* What can't be told stays as it is until the reset. */
inline migrate_finish(done)
{
	done = true;
	if
	:: !BY_RANGES -> queue_post(DEFLATE, migrate_old, WORKER, done)
	:: else
	fi;
	if
	:: done ->
		if
		:: !MUST_TELL -> d_step { put_page(migrate_old) }
		:: else
		fi;
		atomic {
			assert(migrate_state == MIGRATE_OWED);
			migrate_deflate = false;
			migrate_old = NONE;
			migrate_state = MIGRATE_IDLE
		}
	:: else
	fi;
	done = false
}

inline migrate_settle_new(page, done, found)
{
	early_acknowledge();
	migrate_change(MIGRATE_NAMED, MIGRATE_ACKNOWLEDGED, found);
	if
	:: found == MIGRATE_OWED -> migrate_finish(done)
	:: else
	fi;
	d_step { found = MIGRATE_IDLE; queues[NAMING].busy--; queues[NAMING].out-- }
}

inline queue_settle_naming()
{
	d_step {
		page = NONE;
		if
		:: is_answered(NAMING, 0) -> page = 0
		:: is_answered(NAMING, 1) -> page = 1
		:: is_answered(NAMING, 2) -> page = 2
		:: is_answered(NAMING, 3) -> page = 3
		:: else
		fi;
		if
		:: page != NONE -> queues[NAMING].request[page] = IDLE; owner[page] = WORKER
		:: else
		fi
	};
	if
	:: page != NONE -> migrate_settle_new(page, done, found); page = NONE
	:: else
	fi
}

inline await_naming(reached, error)
{
	do
	:: has_answers(NAMING) -> queue_settle_naming()
	:: atomic { reached -> error = false }; break
	:: atomic { !(reached) -> error = true }; break	/* the limit, or no answer can come */
	od
}

inline await_deflate(reached, error)
{
	atomic {
		if
		:: reached -> error = false
		:: !(reached) -> error = true	/* the limit, or no answer can come */
		fi
	}
}

inline tell_wait_inflated(error)
{
	await_naming(is_acknowledged, error)
}

inline tell_wait_deflated(error)
{
	await_deflate(is_quiet, error)
}

inline tell_wait_answers(error)
{
	tell_wait_inflated(error);
	if
	:: !error -> tell_wait_deflated(error)
	:: else
	fi
}

/* room_take(), for the naming queue and for the deflate queue. */
inline tell_take_naming(reserve, count, took)
{
	queue_take(NAMING, reserve, count, took);
	do
	:: took -> break
	:: !took -> await_naming(queue_room(NAMING, reserve, count), error);
		queue_take(NAMING, reserve, count, took);
		if
		:: error -> break
		:: else
		fi
	od;
	error = false
}

inline tell_take_deflate(reserve, count, took)
{
	queue_take(DEFLATE, reserve, count, took);
	do
	:: took -> break
	:: !took -> await_deflate(queue_room(DEFLATE, reserve, count), error);
		queue_take(DEFLATE, reserve, count, took);
		if
		:: error -> break
		:: else
		fi
	od;
	error = false
}
