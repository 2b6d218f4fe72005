/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_HOLD_H
#define AEROSTAT_HOLD_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "block.h"
#include "compat.h"
#include "early.h"
#include "mark.h"
#include "tally.h"

struct migrate;

/* How long to leave compaction alone when it is at work on all that is held, in ms. */
#define HOLD_ISOLATED_MS 10

/**
 * struct hold - what the balloon holds
 * @pages: movable base pages; the kernel's own lock for balloon pages
 * @migrate: moves them for compaction; fixed
 * @tally: what has happened so far; fixed
 * @early: the page among them that the device has not yet acknowledged; its own lock
 * @lock: guards what follows, and how many answers each named or told block waits for;
 *	numbers of pages are read without it as well, and may be out of date then
 * @blocks: whole blocks
 * @mark: how far they are marked
 * @count: base pages in the balloon, in blocks and isolated by compaction included
 * @named: base pages on the way into it, named to the device and not yet acknowledged
 */
struct hold {
	struct balloon_dev_info pages;
	struct migrate *migrate;
	struct tally *tally;
	struct early early;
	spinlock_t lock;	/* see above */
	struct blocks blocks;
	struct mark mark;
	unsigned long count;
	unsigned long named;
};

/* What follows does not sleep and takes no lock: the answer may be out of date. */

/* The size of the balloon as the device has acknowledged it, in base pages. */
static inline unsigned long hold_count(struct hold *hold)
{
	return READ_ONCE(hold->count);
}

/* What of it is held as whole blocks, in base pages. */
static inline unsigned long hold_blocks(struct hold *hold)
{
	return READ_ONCE(hold->blocks.pages);
}

/* What is on the way into the balloon, not yet acknowledged, in base pages. */
static inline unsigned long hold_named(struct hold *hold)
{
	return READ_ONCE(hold->named);
}

static inline bool hold_has_block(struct hold *hold)
{
	return hold_blocks(hold);
}

/* Whether the whole block is held that begins at a page where one can begin. */
static inline bool hold_has_block_at(struct hold *hold, struct page *page)
{
	return blocks_at(&hold->blocks, page);
}

/* Whether the device owes no answer to what was named; a page that compaction moves counts. */
static inline bool hold_is_acknowledged(struct hold *hold)
{
	return !hold_named(hold) && !early_is_awaited(&hold->early);
}

void hold_prepare(struct hold *hold, struct tally *tally, bool memory_leaves_the_guest);
void hold_name(struct hold *hold, long count);
bool hold_answered(struct hold *hold, struct page *block, unsigned int count);
void hold_admit(struct hold *hold, struct list_head *blocks);
bool hold_mark(struct hold *hold);
void hold_put(struct hold *hold, struct list_head *blocks);
unsigned long hold_get(struct hold *hold, struct list_head *pages, unsigned long want);
struct page *hold_get_block(struct hold *hold);
struct page *hold_get_block_at(struct hold *hold, struct page *page);
unsigned long hold_pages(struct hold *hold);
unsigned long hold_size(struct hold *hold);
bool hold_is_empty(struct hold *hold);

#endif
