// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks of free memory that are kept for a migration, so that nobody makes them worth
 * copying again.
 *
 * The rule: what is in here was acknowledged by the device. The guest may have it back at
 * any time, but filled anew as long as the device has not said that it is done (H5). What
 * was named in earlier rounds only comes first: it is to be named again. All that is kept
 * counts as available, because the kernel's shrinker gives it back.
 */
#include <linux/highmem.h>
#include <linux/mm.h>

#include "keep.h"
#include "source.h"

static bool keep_is_stale(struct keep *keep, struct page *block)
{
	return page_private(block + 2) != keep->round;
}

static void keep_show(struct page *block, long pages)
{
	mod_node_page_state(page_pgdat(block), NR_KERNEL_MISC_RECLAIMABLE, pages);
}

/**
 * keep_mark - write down in which round a block is named
 * @block: the block, of four pages at least: the third one's private word says so
 * @round: the round; 0 before the block is given back
 *
 * Does not sleep.
 */
void keep_mark(struct page *block, u32 round)
{
	set_page_private(block + 2, round);
}

static struct page *keep_remove(struct keep *keep, struct page *block)
{
	if (!block)
		return NULL;
	blocks_remove(&keep->blocks, block);
	keep_mark(block, 0);
	keep_show(block, -(long)block_pages(block));
	return block;
}

/**
 * keep_prepare - begin with none
 * @keep: kept blocks
 */
void keep_prepare(struct keep *keep)
{
	blocks_prepare(&keep->blocks);
	keep->round = 0;
}

/**
 * keep_put - keep a block
 * @keep: kept blocks
 * @block: a block that was marked, and that the device has acknowledged
 *
 * Does not sleep.
 */
void keep_put(struct keep *keep, struct page *block)
{
	if (keep_is_stale(keep, block))
		blocks_add_first(&keep->blocks, block);
	else
		blocks_add(&keep->blocks, block);
	keep_show(block, block_pages(block));
}

/**
 * keep_get - keep a block no longer
 * @keep: kept blocks
 *
 * Does not sleep.
 *
 * Return: the block, or NULL if none is kept.
 */
struct page *keep_get(struct keep *keep)
{
	return keep_remove(keep, blocks_first(&keep->blocks));
}

/**
 * keep_get_stale - keep a block no longer that this round has not named
 * @keep: kept blocks
 *
 * Does not sleep.
 *
 * Return: the block, or NULL if there is none.
 */
struct page *keep_get_stale(struct keep *keep)
{
	struct page *block = blocks_first(&keep->blocks);

	return block && keep_is_stale(keep, block) ? keep_remove(keep, block) : NULL;
}

/**
 * keep_get_at - keep the block no longer that begins at a page
 * @keep: kept blocks
 * @page: any page where a block can begin
 *
 * Does not sleep.
 *
 * Return: the block, or NULL if none that is kept begins there.
 */
struct page *keep_get_at(struct keep *keep, struct page *page)
{
	return keep_remove(keep, blocks_at(&keep->blocks, page));
}

/**
 * keep_release - give a block back to the guest before the device has said that it is done
 * @block: a block that is not kept any longer
 *
 * Does not sleep; takes as long as filling it. Keeps rule H5.
 */
void keep_release(struct page *block)
{
	unsigned long i, count = block_pages(block);

	for (i = 0; i < count; i++)
		clear_highpage(block + i);
	source_give_back_block(block);
}
