// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the balloon holds, and the only place where the worker, the out-of-memory path
 * and compaction meet.
 *
 * Memory is held in two ways: whole blocks, which nobody moves, and base pages, which
 * compaction may move. What comes in smaller than a whole block is split into base pages;
 * a whole block is, when less of it is wanted.
 *
 * The rule: what is in here was acknowledged by the device and can be taken by anyone at
 * any time; nobody waits while holding a lock of this room. The one exception is the page
 * of early.c.
 * Memory is counted as gone from the guest, or back, where it enters and leaves.
 */
#include <linux/list.h>
#include <linux/sched.h>

#include "hold.h"
#include "source.h"

/* So many base pages enter at once; so many are marked at once. */
#define HOLD_PAGES_AT_ONCE 256

/* So often, before the target is looked at again. */
#define HOLD_MARKS_AT_ONCE 128

/**
 * hold_prepare - begin with an empty balloon
 * @hold: what the balloon holds
 * @tally: what has happened so far
 * @memory_leaves_the_guest: whether held pages no longer count as the guest's memory
 *
 * Does not sleep.
 */
void hold_prepare(struct hold *hold, struct tally *tally, bool memory_leaves_the_guest)
{
	hold->tally = tally;
	balloon_devinfo_init(&hold->pages);
	hold->pages.adjust_managed_page_count = memory_leaves_the_guest;
	spin_lock_init(&hold->lock);
	blocks_prepare(&hold->blocks);
	early_prepare(&hold->early, &hold->pages);
}

/* Call it under the lock. Others read the numbers without it. */
static void hold_change(struct hold *hold, long count, long named)
{
	WRITE_ONCE(hold->count, hold->count + count);
	WRITE_ONCE(hold->named, hold->named + named);
}

/**
 * hold_name - pages are about to be named to the device, or could not be
 * @hold: what the balloon holds
 * @count: how many base pages, negative if they could not be
 *
 * Does not sleep.
 */
void hold_name(struct hold *hold, long count)
{
	unsigned long flags;

	spin_lock_irqsave(&hold->lock, flags);
	hold_change(hold, 0, count);
	spin_unlock_irqrestore(&hold->lock, flags);
}

/**
 * hold_answered - the device answered some of the requests that speak of a block
 * @hold: what the balloon holds
 * @block: the block; of whose answers it was said how many to expect
 * @count: how many were answered, or will never be
 *
 * Does not sleep.
 *
 * Return: true if those were the last, and the block is the caller's.
 */
bool hold_answered(struct hold *hold, struct page *block, unsigned int count)
{
	unsigned long flags;
	bool last;

	spin_lock_irqsave(&hold->lock, flags);
	last = block_answered(block, count);
	spin_unlock_irqrestore(&hold->lock, flags);
	return last;
}

/* What was not named has been here before. */
static void hold_tally_in(struct hold *hold, unsigned long count, bool named)
{
	if (named)
		tally_add(hold->tally, TALLY_INFLATED, count);
	else
		tally_add(hold->tally, TALLY_DEFLATED, -(long)count);
}

static void hold_count_in(struct hold *hold, unsigned long count, unsigned long named)
{
	unsigned long flags;

	hold_tally_in(hold, count, named);
	spin_lock_irqsave(&hold->lock, flags);
	hold_change(hold, count, -(long)named);
	spin_unlock_irqrestore(&hold->lock, flags);
}

static void hold_block_enters(struct hold *hold, struct page *block)
{
	if (hold->pages.adjust_managed_page_count)
		adjust_managed_page_count(block, -(long)block_pages(block));
	balloon_count_inflated(block, block_pages(block));
}

static void hold_block_leaves(struct hold *hold, struct page *block)
{
	if (hold->pages.adjust_managed_page_count)
		adjust_managed_page_count(block, block_pages(block));
	balloon_count_deflated(block, block_pages(block));
}

static void hold_insert_block(struct hold *hold, struct page *block, bool named)
{
	unsigned long flags, count = block_pages(block);

	hold_block_enters(hold, block);
	hold_tally_in(hold, count, named);
	spin_lock_irqsave(&hold->lock, flags);
	blocks_add(&hold->blocks, block);
	mark_added(&hold->mark, block);
	hold_change(hold, count, named ? -(long)count : 0);
	spin_unlock_irqrestore(&hold->lock, flags);
}

/* The kernel's list has a lock that keeps interrupts out. */
static void hold_enqueue(struct hold *hold, struct list_head *pages)
{
	unsigned int count = 0;
	struct page *page, *next;
	LIST_HEAD(some);

	list_for_each_entry_safe(page, next, pages, lru) {
		list_move_tail(&page->lru, &some);
		if (++count % HOLD_PAGES_AT_ONCE == 0)
			balloon_page_list_enqueue(&hold->pages, &some);
	}
	balloon_page_list_enqueue(&hold->pages, &some);
}

static void hold_insert_pages(struct hold *hold, struct list_head *pages,
			      unsigned long *count, bool named)
{
	if (!*count)
		return;
	hold_count_in(hold, *count, named ? *count : 0);
	hold_enqueue(hold, pages);
	*count = 0;
}

static void hold_insert(struct hold *hold, struct list_head *blocks, bool named)
{
	struct page *block, *next;
	unsigned long count = 0;
	LIST_HEAD(pages);

	list_for_each_entry_safe(block, next, blocks, lru) {
		list_del(&block->lru);
		if (block_is_whole(block)) {
			hold_insert_block(hold, block, named);
		} else {
			count += block_pages(block);
			source_split(block, &pages);
		}
		if (count >= HOLD_PAGES_AT_ONCE)
			hold_insert_pages(hold, &pages, &count, named);
		cond_resched();
	}
	hold_insert_pages(hold, &pages, &count, named);
}

/**
 * hold_admit - let blocks into the balloon that the device has acknowledged
 * @hold: what the balloon holds
 * @blocks: blocks of any size that were named; empty afterwards
 *
 * Process context, no lock held; takes the locks of this room one after the other, each
 * for few pages or one block.
 */
void hold_admit(struct hold *hold, struct list_head *blocks)
{
	hold_insert(hold, blocks, true);
}

/**
 * hold_put - put back what hold_get() and hold_get_block() got
 * @hold: what the balloon holds
 * @blocks: blocks and pages of which the device was not told, or not of all of a block;
 *	empty afterwards
 *
 * As hold_admit().
 */
void hold_put(struct hold *hold, struct list_head *blocks)
{
	hold_insert(hold, blocks, false);
}

/**
 * hold_mark - mark some of the whole blocks as offline, for crash dumps
 * @hold: what the balloon holds
 *
 * Process context, no lock held. It is not done while they come in, for it takes as long as
 * giving them to the host. It holds the lock of this room for few pages at a time.
 *
 * Return: false if all are marked.
 */
bool hold_mark(struct hold *hold)
{
	unsigned long flags;
	unsigned int i;
	bool more = true;

	for (i = 0; more && i < HOLD_MARKS_AT_ONCE; i++) {
		spin_lock_irqsave(&hold->lock, flags);
		more = mark_some(&hold->mark, &hold->blocks, HOLD_PAGES_AT_ONCE);
		spin_unlock_irqrestore(&hold->lock, flags);
		cond_resched();
	}
	return more;
}

static struct page *hold_take_block(struct hold *hold, struct page *at, unsigned long leaves)
{
	struct page *block;
	unsigned long flags;

	spin_lock_irqsave(&hold->lock, flags);
	block = at ? blocks_at(&hold->blocks, at) : blocks_first(&hold->blocks);
	if (block) {
		mark_removed(&hold->mark, &hold->blocks, block);
		blocks_remove(&hold->blocks, block);
		hold_change(hold, -(long)leaves, 0);
	}
	spin_unlock_irqrestore(&hold->lock, flags);
	if (block) {
		hold_block_leaves(hold, block);
		tally_add(hold->tally, TALLY_DEFLATED, leaves);
	}
	return block;
}

/**
 * hold_get_block - get a whole block out of the balloon
 * @hold: what the balloon holds
 *
 * Does not sleep; the out-of-memory path calls it.
 *
 * Return: the block, or NULL if no whole block is held.
 */
struct page *hold_get_block(struct hold *hold)
{
	return hold_take_block(hold, NULL, BLOCK_WHOLE_PAGES);
}

/**
 * hold_get_block_at - get the whole block that begins at a page out of the balloon
 * @hold: what the balloon holds
 * @page: a page where a whole block can begin
 *
 * Does not sleep.
 *
 * Return: the block, or NULL if it is not held.
 */
struct page *hold_get_block_at(struct hold *hold, struct page *page)
{
	return hold_take_block(hold, page, BLOCK_WHOLE_PAGES);
}

/* Makes base pages of one block. Returns false if there is none. */
static bool hold_split(struct hold *hold)
{
	struct page *block = hold_take_block(hold, NULL, 0);
	LIST_HEAD(pages);

	if (!block)
		return false;
	source_split(block, &pages);
	hold_enqueue(hold, &pages);
	return true;
}

static unsigned long hold_dequeue(struct hold *hold, struct list_head *pages,
				  unsigned long want)
{
	unsigned long count, flags;

	count = balloon_page_list_dequeue(&hold->pages, pages, want);
	if (early_set_aside(&hold->early, pages))
		count--;
	spin_lock_irqsave(&hold->lock, flags);
	hold_change(hold, -(long)count, 0);
	spin_unlock_irqrestore(&hold->lock, flags);
	tally_add(hold->tally, TALLY_DEFLATED, count);
	return count;
}

/**
 * hold_get - get base pages out of the balloon
 * @hold: what the balloon holds
 * @pages: list, empty, to which they are added
 * @want: how many at most; keep it at what one request names, for the sake of latency
 *
 * Process context; does not wait, takes the locks of this room one after the other; the
 * out-of-memory path calls it. Splits a whole block if there is nothing else.
 *
 * Return: how many pages were added. None does not mean that the balloon is empty:
 * compaction may be at work on the rest.
 */
unsigned long hold_get(struct hold *hold, struct list_head *pages, unsigned long want)
{
	unsigned long count = hold_dequeue(hold, pages, want);

	if (!count && hold_split(hold))
		count = hold_dequeue(hold, pages, want);
	return count;
}

/**
 * hold_pages - what is held as base pages
 * @hold: what the balloon holds
 *
 * Does not sleep.
 *
 * Return: so many.
 */
unsigned long hold_pages(struct hold *hold)
{
	unsigned long flags, pages;

	spin_lock_irqsave(&hold->lock, flags);
	pages = hold->count - hold->blocks.pages;
	spin_unlock_irqrestore(&hold->lock, flags);
	return pages;
}

/**
 * hold_size - the size that the balloon will have once the device has answered
 * @hold: what the balloon holds
 *
 * Does not sleep.
 *
 * Return: base pages held and named.
 */
unsigned long hold_size(struct hold *hold)
{
	unsigned long flags, size;

	spin_lock_irqsave(&hold->lock, flags);
	size = hold->count + hold->named;
	spin_unlock_irqrestore(&hold->lock, flags);
	return size;
}

/**
 * hold_is_empty - whether nothing is held and nobody is at work on what was
 * @hold: what the balloon holds
 *
 * Does not sleep. A last hold_get() after this said yes makes sure that compaction has
 * left the locks of this room.
 *
 * Return: true if so.
 */
bool hold_is_empty(struct hold *hold)
{
	return !hold_count(hold) && !balloon_isolated_pages(&hold->pages);
}
