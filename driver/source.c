// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where memory comes from and where it goes back to: the page allocator.
 *
 * The rule: the balloon asks as the most modest of all. It takes free memory, the largest
 * blocks first, while the guest has more of it than it begins to reclaim at; then what is
 * left free and what one round of reclaim frees, page by page. It never takes the reserves
 * nor kills anyone, and it stops while the guest still has SOURCE_RESERVE_BYTES that it
 * could use at once or by swapping.
 *
 * A whole block can't be moved. So it comes from where memory need not be movable, no more
 * of it than is fair, and is marked as offline: crash dumps skip it, and memory that it is
 * part of may be taken offline if it is given back then. Everything smaller can come from
 * anywhere.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/swap.h>
#include <linux/wait.h>

#include "block.h"
#include "compat.h"
#include "mark.h"
#include "source.h"

/* What the guest keeps, beyond what the kernel reserves for itself. */
#define SOURCE_RESERVE_BYTES SZ_16M

/* What stays free, and beyond the low watermarks, when free memory is taken. */
#define SOURCE_FREE_PAGES ((long)SZ_16M >> PAGE_SHIFT)
#define SOURCE_MARGIN_PAGES ((long)SZ_4M >> PAGE_SHIFT)

/* How often the reserve is looked at while memory is taken, and while it is free memory. */
#define SOURCE_LOOK_PAGES (SZ_4M >> PAGE_SHIFT)
#define SOURCE_LOOK_FREE_PAGES (SZ_32M >> PAGE_SHIFT)

/*
 * When so much is wanted, and so much is cached, the kernel is given time to free blocks of it:
 * so many ticks, a part of what one step may take.
 */
#define SOURCE_WORTH_PAGES (SZ_16M >> PAGE_SHIFT)
#define SOURCE_CACHED_PAGES (SZ_64M >> PAGE_SHIFT)
#define SOURCE_WAITS (HZ < 250 ? 1 : 3)

/* More blocks are too many to be put in order at once. */
#define SOURCE_BLOCKS_MAX 4096

#define SOURCE_FREE_ONLY(flags) (((flags) & ~__GFP_RECLAIM) | __GFP_NOMEMALLOC | __GFP_NOWARN)
#define SOURCE_FIXED_FLAGS SOURCE_FREE_ONLY(GFP_HIGHUSER)
#define SOURCE_MOVABLE_FLAGS \
	SOURCE_FREE_ONLY(compat_balloon_pages_move ? GFP_HIGHUSER_MOVABLE : GFP_HIGHUSER)

/**
 * source_available - how much programs could have without swapping
 *
 * Does not sleep.
 *
 * Return: base pages.
 */
unsigned long source_available(void)
{
	return max(si_mem_available(), 0l);
}

static bool source_can_spare(void)
{
	/* Negative while a swap device is taken away. */
	unsigned long spare = source_available() + max(get_nr_swap_pages(), 0l);

	return spare > SOURCE_RESERVE_BYTES >> PAGE_SHIFT;
}

/*
 * In those zones, below their low watermarks a guest reclaims. What may be anywhere leaves
 * more of a zone free to those who can use no other.
 */
static bool source_zones_have_free(int last_zone, long pages)
{
	long free = 0, low = 0;
	int node, i;

	for_each_online_node(node) {
		struct zone *zone = NODE_DATA(node)->node_zones;

		for (i = 0; i <= last_zone; i++, zone++) {
			free += zone_page_state(zone, NR_FREE_PAGES);
			free -= zone_page_state(zone, NR_FREE_CMA_PAGES);
			/* The kernel moves its marks in place, under locks of its own. */
			low += data_race(low_wmark_pages(zone) +
					 zone->lowmem_reserve[ZONE_MOVABLE] -
					 zone->lowmem_reserve[last_zone]);
		}
	}
	return free > max(low + SOURCE_MARGIN_PAGES, SOURCE_FREE_PAGES) + pages;
}

/**
 * source_has_free - whether a block can be taken without the guest having to reclaim
 * @pages: its size
 *
 * Does not sleep. Looks at the zones that blocks come from.
 *
 * Return: true if so.
 */
bool source_has_free(unsigned long pages)
{
	return source_zones_have_free(gfp_zone(SOURCE_FIXED_FLAGS), pages);
}

struct source_zones {
	u64 free;	/* base pages */
	u64 managed;	/* base pages that the allocator has or had */
};

static struct source_zones source_add_up(int first_zone, int last_zone)
{
	struct source_zones sum = { 0, 0 };
	int node, i;

	for_each_online_node(node) {
		for (i = first_zone; i <= last_zone; i++) {
			struct zone *zone = &NODE_DATA(node)->node_zones[i];

			sum.free += zone_page_state(zone, NR_FREE_PAGES);
			sum.managed += zone_managed_pages(zone);
		}
	}
	return sum;
}

/*
 * The kernel can't use memory that must stay movable, so as much of that is taken, in
 * smaller pieces, as of the rest: whole blocks come only from a part with more free memory.
 */
static bool source_is_fair(void)
{
	int last = gfp_zone(SOURCE_FIXED_FLAGS);
	struct source_zones fixed = source_add_up(0, last);
	struct source_zones movable = source_add_up(last + 1, gfp_zone(SOURCE_MOVABLE_FLAGS));
	u64 mib = SZ_1M >> PAGE_SHIFT;

	return div64_u64(fixed.free, mib) * div64_u64(movable.managed, mib) >=
	       div64_u64(movable.free, mib) * div64_u64(fixed.managed, mib);
}

/**
 * source_take_block - take a block of free memory that can't be moved, if there is one
 * @order: its size is 2 to the power of this, in pages; more than a page
 *
 * Does not sleep and reclaims nothing. The block's first page is marked as offline: that
 * says whose the block is.
 *
 * Return: the block's first page, or NULL.
 */
struct page *source_take_block(unsigned int order)
{
	struct page *block = alloc_pages(SOURCE_FIXED_FLAGS, order);

	if (!block)
		return NULL;
	page_mark_offline(block);
	block_set_order(block, order);
	return block;
}

static struct page *source_take_movable(unsigned int order)
{
	struct page *block = NULL;

	if (!order)
		block = balloon_page_alloc();
	else if (source_zones_have_free(gfp_zone(SOURCE_MOVABLE_FLAGS), 1L << order))
		block = alloc_pages(SOURCE_MOVABLE_FLAGS, order);
	if (block)
		block_set_order(block, order);
	return block;
}

static struct page *source_take_one(unsigned int order)
{
	if (order < BLOCK_WHOLE_ORDER)
		return source_take_movable(order);
	if (!source_has_free(BLOCK_WHOLE_PAGES) || !source_is_fair())
		return NULL;
	return source_take_block(order);
}

/* Neither where whole blocks come from nor where smaller ones do. */
static bool source_is_short(void)
{
	return !source_has_free(SOURCE_MARGIN_PAGES) &&
	       !source_zones_have_free(gfp_zone(SOURCE_MOVABLE_FLAGS), SOURCE_MARGIN_PAGES);
}

/*
 * Free memory is short, but the kernel will reclaim cache in the background: this costs the
 * guest less than page after page, and leaves blocks where the cache was read in order. A
 * page taken below the low watermarks wakes it.
 */
static bool source_waits_for_blocks(unsigned long wanted)
{
	unsigned long free = global_zone_page_state(NR_FREE_PAGES);

	return wanted >= SOURCE_WORTH_PAGES && source_is_short() &&
	       source_available() > free + SOURCE_CACHED_PAGES;
}

static bool source_is_reclaimed(void)
{
	int node;

	for_each_node_state(node, N_MEMORY)
		/* A thread of the kernel's, which waits while it has nothing to do: a hint. */
		if (!waitqueue_active(&NODE_DATA(node)->kswapd_wait))
			return true;
	return false;
}

static struct page *source_take_page_and_wait(void)
{
	struct page *page = source_take_movable(0);

	if (source_is_reclaimed())
		schedule_timeout_uninterruptible(1);
	return page;
}

/* How much is taken before the reserve is looked at again. */
static unsigned long source_stride(unsigned int order)
{
	return order == BLOCK_WHOLE_ORDER ? SOURCE_LOOK_FREE_PAGES : SOURCE_LOOK_PAGES;
}

/**
 * source_take - take blocks for the balloon, the largest first
 * @blocks: list to which they are added
 * @count: how much is wanted, in pages
 * @order: how large a block may be: 2 to the power of this, in pages
 * @limit: the moment, in jiffies, after which no further block is begun but the first
 *
 * Sleeps (reclaim), so call it with no lock held. What is smaller than a whole block can be
 * moved.
 *
 * Return: how many pages were added, fewer than @count if the guest has no more to give,
 * the time is up or these are many blocks.
 */
unsigned long source_take(struct list_head *blocks, unsigned long count, unsigned int order,
			  unsigned long limit)
{
	const unsigned int largest = order;
	const unsigned int waits_most = largest < BLOCK_WHOLE_ORDER ? 0 : SOURCE_WAITS;
	unsigned int waits = waits_most;
	unsigned long taken = 0, looked = 0, blocks_taken = 0;
	struct page *block;
	bool wait;

	while (taken < count && blocks_taken < SOURCE_BLOCKS_MAX &&
	       !(taken && time_after_eq(jiffies, limit))) {
		if (!taken || taken - looked >= source_stride(order)) {
			if (!source_can_spare())
				break;
			looked = taken;
		}
		order = min_t(unsigned int, order, ilog2(count - taken));
		wait = waits && order < BLOCK_WHOLE_ORDER && source_waits_for_blocks(count - taken);
		block = wait ? source_take_page_and_wait() : source_take_one(order);
		if (block) {
			list_add_tail(&block->lru, blocks);
			taken += block_pages(block);
			blocks_taken++;
		}
		if (wait) {
			order = largest;
			waits--;
		} else if (!block) {
			if (!order--)
				break;
		} else if (order == largest) {
			waits = waits_most;
		}
		cond_resched();
	}
	return taken;
}

/**
 * source_split - make base pages of a block
 * @block: its first page; nobody else's, but a single page may have users
 * @pages: list to which they are added
 *
 * Does not sleep.
 */
void source_split(struct page *block, struct list_head *pages)
{
	unsigned long i, count = block_pages(block);

	if (count > 1) {
		mark_erase(block);
		split_page(block, block_order(block));
	}
	for (i = 0; i < count; i++) {
		block_set_order(block + i, 0);
		list_add_tail(&block[i].lru, pages);
	}
}

/**
 * source_give_back_block - give a block back to the guest
 * @block: its first page; nobody else's, but a single page may have users
 *
 * Does not sleep.
 */
void source_give_back_block(struct page *block)
{
	unsigned int order = block_order(block);

	if (!order) {
		put_page(block);
		return;
	}
	mark_erase(block);
	set_page_private(block, 0);
	__free_pages(block, order);
}

/**
 * source_give_back - give blocks back to the guest
 * @blocks: list of them; empty afterwards
 *
 * Call it from process context with no lock held: it makes way for others now and then.
 *
 * Return: how many base pages went back.
 */
unsigned long source_give_back(struct list_head *blocks)
{
	struct page *block, *next;
	unsigned long count = 0;

	list_for_each_entry_safe(block, next, blocks, lru) {
		list_del(&block->lru);
		count += block_pages(block);
		source_give_back_block(block);
		cond_resched();
	}
	return count;
}
