/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queues, and a host that answers late, out of order or never, or whose device breaks.
 *
 * The rule: what must be true of memory when it is named, and when it is told, is asserted
 * where the request is put into the ring. An answer and what it does are one step, where
 * that is one step of the driver's: an answer that nobody has looked at is a late answer.
 */
inline queue_take(q, reserve, count, took)
{
	d_step {
		took = queue_room(q, reserve, count);
		if
		:: took -> queues[q].out = queues[q].out + (count)
		:: else
		fi
	}
}

inline queue_put(q, count)
{
	d_step { queues[q].out = queues[q].out - (count) }
}

/* Two queues never disagree about a page; what was named is in use by nobody (O8). */
inline check_naming(page)
{
	assert(place[page] == NAMED || place[page] == NEW || place[page] == REPORTED);
	assert(BY_RANGES || (!is_posted(DEFLATE, page) && !owed[page]));
	host_has[page] = !BY_RANGES
}

/* Rule O9. */
inline check_telling(page)
{
	assert(!may_be_discarded(page));
	host_has[page] = host_has[page] && MUST_TELL
}

inline queue_post(q, page, who, done)
{
	d_step {
		done = queue_works(q);
		if
		:: done ->
			assert(queues[q].request[page] == IDLE);
			if
			:: q == NAMING -> owner[page] = who; check_naming(page)
			:: else -> check_telling(page)
			fi;
			queues[q].request[page] = POSTED;
			queues[q].busy++
		:: else
		fi
	}
}

/* The end of queue_settle() for one request. */
inline queue_done(q, page)
{
	queues[q].request[page] = IDLE;
	queues[q].busy--;
	queues[q].out--;
	owner[page] = WORKER
}

/* The block is settled by the last of its answers: hold_answered(). By ranges it has one. */
inline inflate_settle(page)
{
	if
	:: !is_in_block(page) -> place[page] = HELD
	:: is_in_block(page) && BY_RANGES -> move_to(BLOCK, HELD)
	:: is_in_block(page) && !BY_RANGES ->
		missing--;
		if
		:: missing == 0 -> move_to(BLOCK, HELD)
		:: else
		fi
	fi
}

/* Without MUST_TELL_HOST nobody's fate hangs on the answer. */
inline deflate_settle(page)
{
	if
	:: !MUST_TELL
	:: MUST_TELL && references[page] > 0 -> put_page(page)	/* migrate_settle_old() */
	:: MUST_TELL && references[page] == 0 && !is_in_block(page) -> page_free(page)
	:: MUST_TELL && references[page] == 0 && is_in_block(page) ->
		missing--;
		if
		:: missing == 0 -> page_free(0); page_free(1); whole = false
		:: else
		fi
	fi
}

/* What compaction named takes several steps to settle, and waits for somebody to do it. */
inline answer_naming(page)
{
	queues[NAMING].request[page] = ANSWERED;
	if
	:: owner[page] == WORKER -> inflate_settle(page); queue_done(NAMING, page)
	:: owner[page] == REPORTER -> unanswered--; queue_done(NAMING, page)
	:: owner[page] == MOVER
	fi
}

inline answer_deflate(page)
{
	queues[DEFLATE].request[page] = ANSWERED;
	deflate_settle(page);
	queue_done(DEFLATE, page)
}

#define can_answer(q, page) (!NEVER_ANSWERS && queue_works(q) && is_posted(q, page))

/* The host answers what it likes, in any order; from some moment on, perhaps, nothing. */
active proctype Host()
{
	do
	:: d_step { can_answer(NAMING, 0) -> answer_naming(0) }
	:: d_step { can_answer(NAMING, 1) -> answer_naming(1) }
	:: d_step { can_answer(NAMING, 2) -> answer_naming(2) }
	:: d_step { can_answer(NAMING, 3) -> answer_naming(3) }
	:: d_step { can_answer(DEFLATE, 0) -> host_has[0] = false; answer_deflate(0) }
	:: d_step { can_answer(DEFLATE, 1) -> host_has[1] = false; answer_deflate(1) }
	:: d_step { can_answer(DEFLATE, 2) -> host_has[2] = false; answer_deflate(2) }
	:: d_step { can_answer(DEFLATE, 3) -> host_has[3] = false; answer_deflate(3) }
	:: BREAKS -> broken = true; break
	:: FALLS_SILENT -> break
	:: stopping -> break
	od
}
