/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How memory is taken, held and given back: source.c, hold.c, early.c.
 *
 * The rule: whoever makes a page the guest's again goes through page_free(), and what the
 * device must not be able to do by then is asserted there, for every way that leads back.
 */
inline page_free(page)
{
	assert(!may_be_discarded(page));
	assert(was_told(page));
	place[page] = FREE;
}

inline put_page(page)
{
	references[page]--;
	if
	:: references[page] == 0 -> page_free(page)
	:: else
	fi
}

inline move_to(item, what)
{
	if
	:: item == BLOCK -> place[0] = what; place[1] = what
	:: else -> place[item] = what
	fi
}

inline source_give_back(item)
{
	d_step {
		if
		:: item == BLOCK -> page_free(0); page_free(1); whole = false
		:: else -> page_free(item)
		fi
	}
}

/* The largest first, as source_take(); what others have is left alone. */
inline source_take(item)
{
	atomic {
		if
		:: place[0] == FREE && place[1] == FREE -> item = BLOCK; whole = true
		:: place[0] == FREE -> item = 0
		:: place[1] == FREE -> item = 1
		:: place[2] == FREE -> item = 2
		:: place[3] == FREE -> item = 3
		:: item = NONE
		fi;
		if
		:: item != NONE -> move_to(item, TAKEN)
		:: else
		fi
	}
}

inline hold_put(item)
{
	d_step { move_to(item, HELD) }
}

inline hold_get_block(item)
{
	d_step {
		item = NONE;
		if
		:: has_block(HELD) -> item = BLOCK; move_to(BLOCK, OUT)
		:: else
		fi
	}
}

/* balloon_page_list_dequeue(), after hold_split() if there is no page. */
inline hold_dequeue(item)
{
	atomic {
		if
		:: is_page(0, HELD) -> item = 0
		:: is_page(1, HELD) -> item = 1
		:: place[2] == HELD -> item = 2
		:: place[3] == HELD -> item = 3
		:: !has_page(HELD) && has_block(HELD) -> whole = false; item = 0
		:: !has_page(HELD) && !has_block(HELD) -> item = NONE
		fi;
		if
		:: item != NONE -> place[item] = OUT
		:: else
		fi
	}
}

/* Keeps rule O9. */
inline early_set_aside(item)
{
	d_step {
		if
		:: item != NONE && item == early -> place[item] = ASIDE; item = NONE
		:: else
		fi
	}
}

inline hold_get(item)
{
	hold_dequeue(item);
	early_set_aside(item)
}

inline early_acknowledge()
{
	d_step {
		early = NONE;
		if
		:: place[0] == ASIDE -> place[0] = HELD
		:: place[1] == ASIDE -> place[1] = HELD
		:: place[2] == ASIDE -> place[2] = HELD
		:: place[3] == ASIDE -> place[3] = HELD
		:: else
		fi
	}
}
