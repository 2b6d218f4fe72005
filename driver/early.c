// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page that compaction has put into the balloon before the device acknowledged it.
 *
 * The rule: it stays until the answer (O9). Whoever meets it on the way out sets it aside,
 * and it is held like any other page once the answer is there.
 */
#include "compat.h"
#include "early.h"

/**
 * early_prepare - begin with none
 * @early: the page
 * @pages: the balloon's base pages
 *
 * Does not sleep.
 */
void early_prepare(struct early *early, struct balloon_dev_info *pages)
{
	early->pages = pages;
	spin_lock_init(&early->lock);
	early->page = NULL;
	INIT_LIST_HEAD(&early->aside);
}

/**
 * early_await - keep a page in the balloon until the device has acknowledged it
 * @early: the page
 * @page: which one; compaction is about to put it into the balloon
 *
 * Does not sleep.
 *
 * Return: false if another page is awaited already.
 */
bool early_await(struct early *early, struct page *page)
{
	unsigned long flags;
	bool free;

	spin_lock_irqsave(&early->lock, flags);
	free = !early->page;
	if (free)
		WRITE_ONCE(early->page, page);
	spin_unlock_irqrestore(&early->lock, flags);
	return free;
}

/**
 * early_is_awaited - whether there is such a page
 * @early: the page
 *
 * Does not sleep, takes no lock.
 *
 * Return: true if so.
 */
bool early_is_awaited(struct early *early)
{
	return READ_ONCE(early->page);
}

/**
 * early_set_aside - keep the page back from those that leave the balloon
 * @early: the page
 * @pages: base pages on their way out
 *
 * Does not sleep. Keeps rule O9.
 *
 * Return: true if it was among them.
 */
bool early_set_aside(struct early *early, struct list_head *pages)
{
	struct page *page, *found = NULL;
	unsigned long flags;

	if (!early_is_awaited(early))
		return false;
	spin_lock_irqsave(&early->lock, flags);
	list_for_each_entry(page, pages, lru) {
		if (page != early->page)
			continue;
		found = page;
		list_move(&page->lru, &early->aside);
		break;
	}
	spin_unlock_irqrestore(&early->lock, flags);
	return found;
}

/**
 * early_acknowledge - the device has acknowledged the page
 * @early: the page
 *
 * Process context, no lock held. If it was set aside it is held like any other again.
 */
void early_acknowledge(struct early *early)
{
	LIST_HEAD(pages);
	unsigned long flags;

	spin_lock_irqsave(&early->lock, flags);
	WRITE_ONCE(early->page, NULL);
	list_splice_init(&early->aside, &pages);
	spin_unlock_irqrestore(&early->lock, flags);
	if (!list_empty(&pages))
		balloon_page_list_enqueue(early->pages, &pages);
}
