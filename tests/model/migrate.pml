/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compaction: migrate.c, and what the kernel does around it.
 *
 * The rule: a mover has its two pages and nothing else. It may come at any moment, twice at
 * the same moment too, as long as a page is in the balloon; also while the driver leaves.
 */
#define has_free (place[0] == FREE || place[1] == FREE || place[2] == FREE || \
	place[3] == FREE)
#define can_isolate (has_page(HELD) && has_free)

/* The kernel isolates a held page, and has a free one. */
inline isolate()
{
	if
	:: is_page(0, HELD) -> old = 0
	:: is_page(1, HELD) -> old = 1
	:: place[2] == HELD -> old = 2
	:: place[3] == HELD -> old = 3
	fi;
	if
	:: place[0] == FREE -> new = 0
	:: place[0] != FREE && place[1] == FREE -> new = 1
	:: place[0] != FREE && place[1] != FREE && place[2] == FREE -> new = 2
	:: place[0] != FREE && place[1] != FREE && place[2] != FREE -> new = 3
	fi;
	place[old] = ISOLATED;
	place[new] = NEW;
	references[old] = 1;
	movers_inside++
}

/* The kernel swaps the two pages, or puts both back. */
inline put_back()
{
	atomic {
		if
		:: moved ->
			place[new] = HELD;
			place[old] = LEFT;
			put_page(old)
		:: else ->
			references[old] = 0;
			place[old] = HELD;
			page_free(new)
		fi;
		movers_inside--
	}
}

inline migrate_put(count)
{
	queue_put(NAMING, count);
	if
	:: migrate_deflate -> queue_put(DEFLATE, 1); migrate_deflate = false
	:: else
	fi
}

inline migrate_take()
{
	queue_take(NAMING, 0, 1, took);
	if
	:: !BY_RANGES -> queue_take(DEFLATE, 0, 1, migrate_deflate)
	:: else
	fi;
	if
	:: !BY_RANGES && !(took && migrate_deflate) -> migrate_put(took); took = false
	:: else
	fi
}

inline migrate_name()
{
	d_step {
		references[old]++;
		migrate_old = old;
		assert(early == NONE);		/* so early_await() never says no */
		early = new
	};
	queue_post(NAMING, new, MOVER, done);
	if
	:: done -> moved = true
	:: else -> early_acknowledge();
		migrate_old = NONE;
		references[old]--;
		migrate_put(1)
	fi;
	done = false
}

inline migrate_begin()
{
	migrate_change(MIGRATE_IDLE, MIGRATE_NAMED, found);
	if
	:: found == MIGRATE_IDLE ->
		migrate_take();
		if
		:: took -> migrate_name()
		:: else
		fi;
		took = false;
		if
		:: !moved -> migrate_change(MIGRATE_NAMED, MIGRATE_IDLE, found)
		:: else
		fi
	:: found == MIGRATE_NAMED || found == MIGRATE_ACKNOWLEDGED	/* -EAGAIN */
	:: found == MIGRATE_OWED					/* -EBUSY */
	fi;
	found = MIGRATE_IDLE
}

inline migrate_leave()
{
	await_naming((migrate_state != MIGRATE_NAMED), error);
	error = false;
	migrate_change(MIGRATE_NAMED, MIGRATE_OWED, found);
	if
	:: found == MIGRATE_ACKNOWLEDGED ->
		migrate_change(MIGRATE_ACKNOWLEDGED, MIGRATE_OWED, found);
		migrate_finish(done)
	:: else
	fi;
	found = MIGRATE_IDLE
}

inline migrate_try()
{
	if
	:: is_owed -> error = true
	:: else -> tell_wait_deflated(error)
	fi;
	if
	:: !error -> migrate_begin()
	:: else
	fi;
	error = false;
	if
	:: moved -> migrate_leave()
	:: else
	fi
}

active [MOVERS] proctype Mover()
{
	byte old = NONE, new = NONE;
	bool moved;
	locals;

	do
	:: atomic { !stopping && MOVERS < 2 && can_isolate -> isolate() };
progress_move:
		migrate_try();
		put_back();
		old = NONE; new = NONE; moved = false
	:: atomic { (stopping || MOVERS == 2) && last_moves > 0 && can_isolate -> isolate(); last_moves-- };
		migrate_try();
		put_back();
		old = NONE; new = NONE; moved = false
	:: break
	od
}
