/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_EARLY_H
#define AEROSTAT_EARLY_H

#include <linux/list.h>
#include <linux/spinlock.h>

struct balloon_dev_info;

/**
 * struct early - the page, at most one, that is in the balloon before the device's answer
 * @pages: the balloon's base pages, it among them; fixed
 * @lock: guards what follows
 * @page: that page, or NULL
 * @aside: that page as well, if it was met on the way out
 */
struct early {
	struct balloon_dev_info *pages;
	spinlock_t lock;	/* see above */
	struct page *page;
	struct list_head aside;
};

void early_prepare(struct early *early, struct balloon_dev_info *pages);
bool early_await(struct early *early, struct page *page);
bool early_is_awaited(struct early *early);
bool early_set_aside(struct early *early, struct list_head *pages);
void early_acknowledge(struct early *early);

#endif
