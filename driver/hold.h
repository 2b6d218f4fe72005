/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_HOLD_H
#define AEROSTAT_HOLD_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "block.h"
#include "compat.h"
#include "tally.h"

struct migrate;

/**
 * struct hold - what the balloon holds
 * @pages: movable base pages; the kernel's own lock for balloon pages
 * @migrate: moves them for compaction; fixed
 * @tally: what has happened so far; fixed
 * @lock: guards what follows, and how many answers each named or told block waits for
 * @blocks: whole blocks
 * @unmarked: the first of them that is not all marked as offline, or NULL; of those after
 *	it only the first page is
 * @marked: how many of its pages are
 * @count: base pages in the balloon, in blocks and isolated by compaction included
 * @named: base pages on the way into it, named to the device and not yet acknowledged
 * @unacknowledged: the one page on the list, at most, that the device has not yet
 *	acknowledged: compaction put it into the balloon, or NULL
 * @aside: that page, if it was met on the way out
 */
struct hold {
	struct balloon_dev_info pages;
	struct migrate *migrate;
	struct tally *tally;
	spinlock_t lock;	/* see above */
	struct blocks blocks;
	struct page *unmarked;
	unsigned long marked;
	unsigned long count;
	unsigned long named;
	struct page *unacknowledged;
	struct list_head aside;
};

void hold_prepare(struct hold *hold, struct tally *tally, bool memory_leaves_the_guest);
void hold_name(struct hold *hold, long count);
bool hold_answered(struct hold *hold, struct page *block, unsigned int count);
void hold_admit(struct hold *hold, struct list_head *blocks);
bool hold_mark(struct hold *hold);
void hold_put(struct hold *hold, struct list_head *blocks);
unsigned long hold_get(struct hold *hold, struct list_head *pages, unsigned long want);
bool hold_has_block(struct hold *hold);
bool hold_has_block_at(struct hold *hold, struct page *page);
struct page *hold_get_block(struct hold *hold);
struct page *hold_get_block_at(struct hold *hold, struct page *page);
unsigned long hold_count(struct hold *hold);
unsigned long hold_blocks(struct hold *hold);
unsigned long hold_pages(struct hold *hold);
unsigned long hold_named(struct hold *hold);
unsigned long hold_size(struct hold *hold);
bool hold_is_acknowledged(struct hold *hold);
bool hold_is_empty(struct hold *hold);
bool hold_await(struct hold *hold, struct page *page);
void hold_acknowledge(struct hold *hold);

#endif
