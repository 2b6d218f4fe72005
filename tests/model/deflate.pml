/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory comes back from the host: deflate.c and owed.c.
 *
 * The rule: one block or page at a time. More at a time would free later what was told
 * earlier, and nothing else.
 */

/* name_block(), and what deflate_post_block() makes of it. */
inline deflate_post_block()
{
	d_step {
		if
		:: MUST_TELL -> missing = 2; move_to(BLOCK, RETURNING)
		:: else
		fi
	};
	queue_post(DEFLATE, 0, WORKER, done);
	posted = done;
	queue_post(DEFLATE, 1, WORKER, done);
	posted = posted + done;
	done = false;
	if
	:: posted == 2 && !MUST_TELL -> source_give_back(BLOCK)
	:: posted == 2 && MUST_TELL
	:: posted < 2 ->
		queue_put(DEFLATE, 2 - posted);
		d_step {
			if
			:: MUST_TELL -> missing = missing - (2 - posted)
			:: else
			fi;
			if
			:: missing == 0 -> move_to(BLOCK, HELD)
			:: else
			fi
		}
	fi;
	posted = 0
}

inline deflate_post_page()
{
	if
	:: MUST_TELL -> place[item] = RETURNING
	:: else
	fi;
	queue_post(DEFLATE, item, WORKER, done);
	if
	:: done && !MUST_TELL -> source_give_back(item)
	:: done && MUST_TELL
	:: !done -> hold_put(item); queue_put(DEFLATE, 1)
	fi;
	done = false
}

inline deflate_block(reserve)
{
	took = true;
	if
	:: !BY_RANGES -> tell_take_deflate(reserve, 2, took)
	:: else
	fi;
	if
	:: took ->
		hold_get_block(item);
		if
		:: item != NONE && !BY_RANGES -> gone = true; deflate_post_block()
		:: item != NONE && BY_RANGES -> gone = true; source_give_back(item)
		:: item == NONE && !BY_RANGES -> queue_put(DEFLATE, 2)
		:: item == NONE && BY_RANGES
		fi;
		item = NONE
	:: else
	fi
}

inline deflate_pages(reserve)
{
	took = true;
	if
	:: !BY_RANGES -> tell_take_deflate(reserve, 1, took)
	:: else
	fi;
	if
	:: took ->
		hold_get(item);
		if
		:: item != NONE && !BY_RANGES -> gone = true; deflate_post_page()
		:: item != NONE && BY_RANGES -> gone = true; source_give_back(item)
		:: item == NONE && !BY_RANGES -> queue_put(DEFLATE, 1)
		:: item == NONE && BY_RANGES
		fi;
		item = NONE
	:: else
	fi
}

/* The one exception to O5: noted, then free, and told later. There may be no room. */
inline deflate_owe()
{
	hold_get_block(item);
	if
	:: item == NONE -> hold_get(item)
	:: else
	fi;
	if
	:: item == NONE
	:: item == BLOCK -> owed[0] = true; owed[1] = true; source_give_back(item)
	:: item != NONE && item != BLOCK -> owed[item] = true; source_give_back(item)
	:: item != NONE -> hold_put(item)
	fi;
	item = NONE
}

inline deflate_some(reserve, owes)
{
	gone = false;
	if
	:: has_block(HELD) -> deflate_block(reserve)
	:: true
	fi;
	if
	:: !gone -> deflate_pages(reserve)
	:: else
	fi;
	if
	:: !gone && owes -> deflate_owe()
	:: else
	fi;
	took = false;
	done = false
}

inline deflate_run(reserve, owes)
{
	deflate_some(reserve, owes);
	if
	:: MUST_TELL -> tell_wait_deflated(error)
	:: else
	fi;
	error = false
}

inline deflate_tell_owed(told)
{
	do
	:: is_owed ->
		item = (owed[0] -> 0 : (owed[1] -> 1 : (owed[2] -> 2 : 3)));
		deflate_tell_one()
	:: !is_owed -> break
	od;
	told = !is_owed;
	item = NONE
}

inline deflate_tell_one()
{
	tell_take_deflate(RESERVE, 1, took);
	if
	:: !took -> break
	:: else
	fi;
	took = false;
	queue_post(DEFLATE, item, WORKER, done);
	if
	:: !done -> queue_put(DEFLATE, 1); break
	:: else
	fi;
	done = false;
	owed[item] = false
}
