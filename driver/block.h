/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_BLOCK_H
#define AEROSTAT_BLOCK_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/mm.h>

#include "compat.h"

/* The allocator's largest block: the balloon holds such a block whole. */
#define BLOCK_WHOLE_ORDER ((unsigned int)MAX_PAGE_ORDER)
#define BLOCK_WHOLE_PAGES BIT(BLOCK_WHOLE_ORDER)

/**
 * struct blocks - some blocks, none of them a single page; the caller's lock guards all
 * @list: them
 * @pages: base pages in them; read without the lock as well
 */
struct blocks {
	struct list_head list;
	unsigned long pages;
};

/* How large a block is, its size being 2 to the power of that in pages. */
static inline unsigned int block_order(struct page *block)
{
	return page_private(block) & 0xff;
}

static inline unsigned long block_pages(struct page *block)
{
	return 1UL << block_order(block);
}

static inline bool block_is_whole(struct page *block)
{
	return block_order(block) == BLOCK_WHOLE_ORDER;
}

void block_set_order(struct page *block, unsigned int order);
void block_expect_answers(struct page *block, unsigned int count);
bool block_answered(struct page *block, unsigned int count);

void blocks_prepare(struct blocks *blocks);
void blocks_add(struct blocks *blocks, struct page *block);
void blocks_add_first(struct blocks *blocks, struct page *block);
void blocks_remove(struct blocks *blocks, struct page *block);
struct page *blocks_first(struct blocks *blocks);
struct page *blocks_next(struct blocks *blocks, struct page *block);
struct page *blocks_at(struct blocks *blocks, struct page *page);

#endif
