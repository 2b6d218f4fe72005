/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_MARK_H
#define AEROSTAT_MARK_H

#include <linux/types.h>

struct blocks;
struct page;

/**
 * struct mark - how far some blocks are marked; the lock of the blocks guards all
 * @block: the first of them that is not all marked as offline, or NULL; of those after it
 *	only the first page is
 * @pages: how many of its pages are
 */
struct mark {
	struct page *block;
	unsigned long pages;
};

unsigned long mark_block(struct page *block, unsigned long first, unsigned long count);
void mark_added(struct mark *mark, struct page *block);
void mark_removed(struct mark *mark, struct blocks *blocks, struct page *block);
bool mark_some(struct mark *mark, struct blocks *blocks, unsigned long count);
void mark_erase(struct page *block);

#endif
