// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Marking pages as offline, so that crash dumps leave them out.
 *
 * The rule: a block's first page is marked as long as the block is ours, for that says whose
 * it is. The others are marked when nothing else is to be done, in the order in which the
 * blocks came: it takes as long as giving them to the host.
 */
#include "block.h"
#include "compat.h"
#include "mark.h"

/**
 * mark_block - mark pages of one block
 * @block: its first page, which is marked
 * @first: which of its pages is the first; all before it are marked
 * @count: how many at most
 *
 * Does not sleep.
 *
 * Return: which page is next; the block's size if all are marked.
 */
unsigned long mark_block(struct page *block, unsigned long first, unsigned long count)
{
	unsigned long i, end = min(first + count, block_pages(block));

	for (i = first; i < end; i++)
		if (!page_is_offline(block + i))
			page_mark_offline(block + i);
	return end;
}

static void mark_go_to(struct mark *mark, struct page *block)
{
	mark->block = block;
	mark->pages = 1;
}

/**
 * mark_added - a block was added as the last
 * @mark: how far the blocks are marked
 * @block: its first page; only that is marked
 *
 * Does not sleep.
 */
void mark_added(struct mark *mark, struct page *block)
{
	if (!mark->block)
		mark_go_to(mark, block);
}

/**
 * mark_removed - a block is about to be removed
 * @mark: how far the blocks are marked
 * @blocks: the blocks, it among them
 * @block: its first page
 *
 * Does not sleep.
 */
void mark_removed(struct mark *mark, struct blocks *blocks, struct page *block)
{
	if (block == mark->block)
		mark_go_to(mark, blocks_next(blocks, block));
}

/**
 * mark_some - mark some pages
 * @mark: how far the blocks are marked
 * @blocks: the blocks
 * @count: how many pages at most
 *
 * Does not sleep.
 *
 * Return: false if all were marked before.
 */
bool mark_some(struct mark *mark, struct blocks *blocks, unsigned long count)
{
	struct page *block = mark->block;

	if (!block)
		return false;
	mark->pages = mark_block(block, mark->pages, count);
	if (mark->pages == block_pages(block))
		mark_go_to(mark, blocks_next(blocks, block));
	return true;
}

/**
 * mark_erase - let no page of a block be marked any longer
 * @block: its first page; nobody else's
 *
 * Does not sleep.
 */
void mark_erase(struct page *block)
{
	unsigned long i, count = block_pages(block);

	if (page_is_offline(block))
		page_unmark_offline(block);
	while (count > 1 && !page_is_offline(block + count - 1))
		count--;
	for (i = 1; i < count; i++)
		page_unmark_offline(block + i);
}
