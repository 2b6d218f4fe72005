// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where memory comes from and where it goes back to: the page allocator.
 *
 * The rule: the balloon asks as the most modest of all. It takes what is free and what
 * one round of reclaim frees, never the reserves, never by killing anyone; and it stops
 * while the guest still has SOURCE_RESERVE_BYTES that it could use at once or by swapping.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/swap.h>

#include "compat.h"
#include "source.h"

/* What the guest keeps, beyond what the kernel reserves for itself. */
#define SOURCE_RESERVE_BYTES SZ_16M

/* How often that is looked at while memory is taken. */
#define SOURCE_LOOK_BYTES SZ_1M

static bool source_can_spare(void)
{
	long spare = si_mem_available() + get_nr_swap_pages();

	return spare > (long)(SOURCE_RESERVE_BYTES >> PAGE_SHIFT);
}

/**
 * source_take - take base pages that compaction may move
 * @pages: list to which they are added
 * @count: how many are wanted, in pages
 * @limit: the moment, in jiffies, after which no further page is begun but the first
 *
 * Sleeps (reclaim), so call it with no lock held. May start compaction, which may call
 * back into the balloon.
 *
 * Return: how many pages were added, fewer than @count if the guest has no more to give or
 * the time is up.
 */
unsigned long source_take(struct list_head *pages, unsigned long count, unsigned long limit)
{
	unsigned long taken;

	for (taken = 0; taken < count; taken++) {
		struct page *page;

		if (taken && time_after_eq(jiffies, limit))
			break;
		if (!(taken % (SOURCE_LOOK_BYTES >> PAGE_SHIFT)) && !source_can_spare())
			break;
		page = balloon_page_alloc();
		if (!page)
			break;
		list_add_tail(&page->lru, pages);
		cond_resched();
	}
	return taken;
}

/**
 * source_give_back - give pages back to the guest
 * @pages: list of base pages that the balloon is the only one to use; empty afterwards
 *
 * Call it from process context with no lock held: it makes way for others now and then.
 *
 * Return: how many pages went back.
 */
unsigned long source_give_back(struct list_head *pages)
{
	struct page *page, *next;
	unsigned long count = 0;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		put_page(page);
		if (!(++count % (SOURCE_LOOK_BYTES >> PAGE_SHIFT)))
			cond_resched();
	}
	return count;
}

/**
 * source_take_block - take a block of free memory, if there is one
 * @order: its size is 2 to the power of this, in pages
 *
 * Does not sleep and reclaims nothing. The block can't be moved, so it comes from where
 * memory need not be movable. It is marked as offline: crash dumps skip it, and a memory
 * block that it is part of may be taken offline if it is given back then.
 *
 * Return: the block's first page, or NULL.
 */
struct page *source_take_block(unsigned int order)
{
	struct page *block = alloc_pages(SOURCE_BLOCK_FLAGS, order);
	unsigned long i;

	for (i = 0; block && i < 1UL << order; i++)
		page_mark_offline(block + i);
	return block;
}

/**
 * source_give_back_block - give a block back to the guest
 * @block: the first page of a block that source_take_block() took
 * @order: its size, as it was taken
 *
 * Does not sleep.
 */
void source_give_back_block(struct page *block, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i++)
		page_unmark_offline(block + i);
	set_page_private(block, 0);
	__free_pages(block, order);
}
