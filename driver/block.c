// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks of memory without a gap, as the page allocator has them: 1, 2, 4 ... pages.
 *
 * The rule: whoever has a block may write into the private words of its pages, and this
 * room says what they hold. The first page's: the block's order, and how many answers of
 * the device are missing until it may be used; a single page has that word alone. The
 * second page's: which blocks it belongs to, so that it is found by its address. The third
 * page's is the owner's: see keep_mark().
 */
#include "block.h"

#define BLOCK_ANSWERS_SHIFT 8

/**
 * block_set_order - write down how large a block is
 * @block: its first page
 * @order: its size is 2 to the power of this, in pages
 *
 * Does not sleep. No answer is expected.
 */
void block_set_order(struct page *block, unsigned int order)
{
	set_page_private(block, order);
}

/**
 * block_expect_answers - write down how many requests are to speak of a block
 * @block: its first page; the caller's alone
 * @count: how many
 *
 * Does not sleep.
 */
void block_expect_answers(struct page *block, unsigned int count)
{
	set_page_private(block, block_order(block) | (unsigned long)count << BLOCK_ANSWERS_SHIFT);
}

/**
 * block_answered - some of the requests that speak of a block were answered
 * @block: its first page
 * @count: how many
 *
 * Does not sleep; call it under a lock, always the same.
 *
 * Return: true if those were the last.
 */
bool block_answered(struct page *block, unsigned int count)
{
	unsigned long missing = (page_private(block) >> BLOCK_ANSWERS_SHIFT) - count;

	block_expect_answers(block, missing);
	return !missing;
}

/**
 * blocks_prepare - begin with none
 * @blocks: the blocks
 */
void blocks_prepare(struct blocks *blocks)
{
	INIT_LIST_HEAD(&blocks->list);
	blocks->pages = 0;
}

static void blocks_own(struct blocks *blocks, struct page *block)
{
	set_page_private(block + 1, (unsigned long)blocks);
	WRITE_ONCE(blocks->pages, blocks->pages + block_pages(block));
}

/**
 * blocks_add - add a block as the last
 * @blocks: the blocks
 * @block: its first page; marked as offline
 *
 * Does not sleep.
 */
void blocks_add(struct blocks *blocks, struct page *block)
{
	list_add_tail(&block->lru, &blocks->list);
	blocks_own(blocks, block);
}

/**
 * blocks_add_first - add a block as the first
 * @blocks: the blocks
 * @block: its first page; marked as offline
 *
 * Does not sleep.
 */
void blocks_add_first(struct blocks *blocks, struct page *block)
{
	list_add(&block->lru, &blocks->list);
	blocks_own(blocks, block);
}

/**
 * blocks_remove - take a block out
 * @blocks: the blocks
 * @block: the first page of one of them
 *
 * Does not sleep.
 */
void blocks_remove(struct blocks *blocks, struct page *block)
{
	list_del(&block->lru);
	set_page_private(block + 1, 0);
	WRITE_ONCE(blocks->pages, blocks->pages - block_pages(block));
}

/**
 * blocks_first - look at the first block
 * @blocks: the blocks
 *
 * Does not sleep.
 *
 * Return: its first page, or NULL if there is no block.
 */
struct page *blocks_first(struct blocks *blocks)
{
	return list_first_entry_or_null(&blocks->list, struct page, lru);
}

/**
 * blocks_next - look at the block after another
 * @blocks: the blocks
 * @block: the first page of one of them
 *
 * Does not sleep.
 *
 * Return: its first page, or NULL if that is the last one.
 */
struct page *blocks_next(struct blocks *blocks, struct page *block)
{
	return list_is_last(&block->lru, &blocks->list) ? NULL : list_next_entry(block, lru);
}

/**
 * blocks_at - look for a block by its address
 * @blocks: the blocks
 * @page: any page of memory, but the last of all
 *
 * Does not sleep, takes no time.
 *
 * Return: @page if one of the blocks begins there, or NULL.
 */
struct page *blocks_at(struct blocks *blocks, struct page *page)
{
	/* Without the lock, and of a page that is not ours, this may change meanwhile. */
	bool begins = data_race(page_is_offline(page) &&
				page_private(page + 1) == (unsigned long)blocks);

	return begins ? page : NULL;
}
