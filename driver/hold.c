// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the balloon holds, and the only place where the worker, the out-of-memory path
 * and compaction meet.
 *
 * The rule: what is in here was acknowledged by the device and can be taken by anyone at
 * any time; nobody waits while holding a lock of this room. The one exception is a page
 * that compaction has put here before the device answered: it stays until the answer.
 * Memory is counted as gone from the guest, or back, where it enters and leaves.
 */
#include <linux/list.h>

#include "hold.h"

/**
 * hold_prepare - begin with an empty balloon
 * @hold: what the balloon holds
 * @memory_leaves_the_guest: whether held pages no longer count as the guest's memory
 *
 * Does not sleep.
 */
void hold_prepare(struct hold *hold, bool memory_leaves_the_guest)
{
	balloon_devinfo_init(&hold->pages);
	hold->pages.adjust_managed_page_count = memory_leaves_the_guest;
	spin_lock_init(&hold->lock);
	INIT_LIST_HEAD(&hold->aside);
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
	hold->named += count;
	spin_unlock_irqrestore(&hold->lock, flags);
}

static void hold_insert(struct hold *hold, struct list_head *pages, unsigned long count,
			unsigned long named)
{
	unsigned long flags;

	spin_lock_irqsave(&hold->lock, flags);
	hold->count += count;
	hold->named -= named;
	spin_unlock_irqrestore(&hold->lock, flags);
	balloon_page_list_enqueue(&hold->pages, pages);
}

/**
 * hold_admit - let pages into the balloon that the device has acknowledged
 * @hold: what the balloon holds
 * @pages: base pages that were named; empty afterwards
 * @count: how many there are
 *
 * Process context; takes the locks of this room one after the other.
 */
void hold_admit(struct hold *hold, struct list_head *pages, unsigned long count)
{
	hold_insert(hold, pages, count, count);
}

/**
 * hold_put - put pages back that hold_get() got
 * @hold: what the balloon holds
 * @pages: base pages of which the device was not told; empty afterwards
 * @count: how many there are
 *
 * Process context; takes the locks of this room one after the other.
 */
void hold_put(struct hold *hold, struct list_head *pages, unsigned long count)
{
	hold_insert(hold, pages, count, 0);
}

static bool hold_set_aside(struct hold *hold, struct list_head *pages)
{
	struct page *page;

	if (!hold->unacknowledged)
		return false;
	list_for_each_entry(page, pages, lru) {
		if (page != hold->unacknowledged)
			continue;
		list_move(&page->lru, &hold->aside);
		return true;
	}
	return false;
}

/**
 * hold_get - get pages out of the balloon
 * @hold: what the balloon holds
 * @pages: list, empty, to which they are added
 * @want: how many at most; keep it at what one request names, for the sake of latency
 *
 * Does not sleep, takes the locks of this room one after the other; the out-of-memory
 * path calls it.
 *
 * Return: how many pages were added. None does not mean that the balloon is empty:
 * compaction may be at work on the rest.
 */
unsigned long hold_get(struct hold *hold, struct list_head *pages, unsigned long want)
{
	unsigned long count, flags;

	count = balloon_page_list_dequeue(&hold->pages, pages, want);
	spin_lock_irqsave(&hold->lock, flags);
	if (hold_set_aside(hold, pages))
		count--;
	hold->count -= count;
	spin_unlock_irqrestore(&hold->lock, flags);
	return count;
}

/**
 * hold_count - the size of the balloon as the device has acknowledged it
 * @hold: what the balloon holds
 *
 * Does not sleep, takes no lock.
 *
 * Return: base pages held.
 */
unsigned long hold_count(struct hold *hold)
{
	return READ_ONCE(hold->count);
}

/**
 * hold_named - memory that the device has not yet acknowledged
 * @hold: what the balloon holds
 *
 * Does not sleep, takes no lock.
 *
 * Return: base pages on the way into the balloon.
 */
unsigned long hold_named(struct hold *hold)
{
	return READ_ONCE(hold->named);
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

/**
 * hold_await - keep a page in the balloon until the device has acknowledged it
 * @hold: what the balloon holds
 * @page: a page that compaction is about to put into the balloon
 *
 * Does not sleep.
 *
 * Return: false if another page is awaited already.
 */
bool hold_await(struct hold *hold, struct page *page)
{
	unsigned long flags;
	bool free;

	spin_lock_irqsave(&hold->lock, flags);
	free = !hold->unacknowledged;
	if (free)
		hold->unacknowledged = page;
	spin_unlock_irqrestore(&hold->lock, flags);
	return free;
}

/**
 * hold_acknowledge - the device has acknowledged the page of hold_await()
 * @hold: what the balloon holds
 *
 * Process context. If the page was met on the way out it is held like any other again.
 */
void hold_acknowledge(struct hold *hold)
{
	LIST_HEAD(pages);
	unsigned long flags;

	spin_lock_irqsave(&hold->lock, flags);
	hold->unacknowledged = NULL;
	list_splice_init(&hold->aside, &pages);
	spin_unlock_irqrestore(&hold->lock, flags);
	if (!list_empty(&pages))
		balloon_page_list_enqueue(&hold->pages, &pages);
}
