/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is: pages, of which the first two are a whole block while they are taken
 * or held together; two queues, whose requests speak of one page each and are known by it.
 *
 * The rule: what may be true of a page when it is free is said here, once.
 */
#define BLOCK 4			/* both pages of the block at once */
#define NONE 7

mtype:place = {
	FREE,			/* the guest's: it may be used at any moment */
	TAKEN,			/* on a list of the worker's */
	NAMED,			/* with its request: nobody's */
	HELD,			/* in the balloon */
	OUT,			/* taken out of the balloon, on its way to the guest */
	RETURNING,		/* with its deflate request, under MUST_TELL_HOST */
	ISOLATED,		/* being moved by compaction, still counted as held */
	NEW,			/* what compaction moves to */
	LEFT,			/* moved from, and waiting for the last reference to go */
	ASIDE,			/* on early->aside */
	REPORTED,		/* isolated by the kernel's reporter of free memory */
	ABSENT			/* there is no such page */
};

#if MOVERS == 2
mtype:place place[4] = { HELD, FREE, HELD, FREE };
bool host_has[4] = { true, false, true, false };
#elif PAGES == 3
mtype:place place[4] = { FREE, FREE, FREE, ABSENT };
#else
mtype:place place[4] = { FREE, FREE, ABSENT, ABSENT };
#endif
#if MOVERS < 2
bool host_has[4];		/* named by its frame number, and not yet told back */
#endif
bool whole;			/* the block is held, or on its way, as one */
byte missing;			/* answers that the block waits for; hold->lock */
byte references[4];		/* of a page that is moved: the kernel's, and ours */
bool owed[4];			/* the device is still to be told: owed.c */
byte early = NONE;		/* early->page */

#define NAMING 0		/* the inflate queue, or the reporting queue */
#define DEFLATE 1
#define CAPACITY 3
#define RESERVE 1		/* what the worker leaves for others, of each queue */

mtype:request = { IDLE, POSTED, ANSWERED };
mtype:owner = { WORKER, MOVER, REPORTER };

typedef queue {
	mtype:request request[4] = IDLE;
	byte out;		/* requests that are not idle */
	byte busy;		/* those that were posted and not yet put back */
	bool open = true
};

queue queues[2];
mtype:owner owner[4];		/* whose request in the naming queue it is */
bool broken;

mtype:migrate_state = { MIGRATE_IDLE, MIGRATE_NAMED, MIGRATE_ACKNOWLEDGED, MIGRATE_OWED };

mtype:migrate_state migrate_state = MIGRATE_IDLE;
byte migrate_old = NONE;	/* migrate->old */
bool migrate_deflate;		/* migrate->deflate is a request that was taken */
byte unanswered;		/* report->unanswered */

#define is_posted(q, page) (queues[q].request[page] == POSTED)
#define is_answered(q, page) (queues[q].request[page] == ANSWERED)
#define has_answers(q) (is_answered(q, 0) || is_answered(q, 1) || \
	is_answered(q, 2) || is_answered(q, 3))
#define queue_works(q) (queues[q].open && !broken)
#define tell_works (queue_works(NAMING) && queue_works(DEFLATE))
#define queue_room(q, reserve, count) \
	(queues[q].open && queues[q].out + (count) + (reserve) <= CAPACITY)

#define is_in_block(page) (whole && page < 2)
#define has_block(what) (whole && place[0] == what && place[1] == what)
#define is_page(page, what) (place[page] == what && !is_in_block(page))
#define has_page(what) (is_page(0, what) || is_page(1, what) || place[2] == what || \
	place[3] == what)

/* hold->count includes what compaction has isolated, and what was set aside. */
#define counts(page) (place[page] == HELD || place[page] == ISOLATED || place[page] == ASIDE)
#define hold_count (counts(0) + counts(1) + counts(2) + counts(3))
#define hold_named ((place[0] == NAMED) + (place[1] == NAMED) + \
	(place[2] == NAMED) + (place[3] == NAMED))
#define is_owed (owed[0] || owed[1] || owed[2] || owed[3])

/* Rules O8 and R3: the host may discard what was named until it has answered. */
#define may_be_discarded(page) \
	(is_posted(NAMING, page) || (BY_RANGES && page == 1 && whole && is_posted(NAMING, 0)))

/* Rules O5 and O6; owed.c is the one exception to O5, and there is none to O6. */
#define was_told(page) (!host_has[page] || (owed[page] && !MUST_TELL))

#define is_acknowledged (hold_named == 0 && early == NONE)
#define is_quiet (queues[DEFLATE].busy == 0)
