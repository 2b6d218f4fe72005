// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory goes to the host: blocks are named to the device, and held when it has answered.
 *
 * The rule: a block that was named is nobody's until every request that speaks of it was
 * answered, or the device was reset (O8). It waits with its requests; a late answer is as
 * good as a timely one. Nothing is named while the device still owes an answer to what
 * came back, so that two queues never disagree about a page. The answers to what is named
 * here are not waited for: memory can be taken from the guest while the host works.
 */
#include <linux/list_sort.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "block.h"
#include "hold.h"
#include "inflate.h"
#include "name.h"
#include "notify.h"
#include "ranges.h"
#include "room.h"
#include "source.h"
#include "tell.h"

/* The host's memory may have a seam at multiples of this: nothing is merged across. */
#define INFLATE_GRAIN_PAGES (SZ_128M >> PAGE_SHIFT)

/* How long to wait before asking again whether the guest needs the memory, in jiffies. */
#define INFLATE_ASK_TIME (HZ / 10 ?: 1)

/* How many ranges one request names at most. */
#define INFLATE_RANGES 32u

static void inflate_settle(struct request *request)
{
	struct tell *tell = request->owner;

	if (request->block && hold_answered(tell->hold, request->block, 1))
		list_add(&request->block->lru, &request->blocks);
	hold_admit(tell->hold, &request->blocks);
}

static int inflate_post(struct tell *tell, struct request *request, unsigned long count,
			struct list_head *blocks)
{
	struct queue *queue = tell_naming_queue(tell);
	int error;

	request->settle = inflate_settle;
	hold_name(tell->hold, count);
	error = queue_post(queue, request);
	if (!error)
		return 0;
	hold_name(tell->hold, -(long)count);
	list_splice_init(&request->blocks, blocks);
	queue_put(queue, request);
	return error;
}

/* One block that needs several requests. */
static int inflate_large(struct tell *tell, struct list_head *requests,
			 struct list_head *blocks)
{
	struct page *block = list_first_entry(blocks, struct page, lru);
	unsigned int posted, parts = name_parts(block);
	struct request *request;
	LIST_HEAD(answered);

	list_for_each_entry(request, requests, link) {
		request->settle = inflate_settle;
		request->block = block;
	}
	list_del(&block->lru);
	hold_name(tell->hold, block_pages(block));
	posted = name_block(tell, &tell->inflate, block, requests);
	if (posted == parts)
		return 0;

	/* The device is broken, and the block stays out of use if it saw any of it. */
	if (!hold_answered(tell->hold, block, parts - posted))
		return -EIO;
	if (posted) {
		list_add(&block->lru, &answered);
		hold_admit(tell->hold, &answered);
	} else {
		hold_name(tell->hold, -(long)block_pages(block));
		list_add(&block->lru, blocks);
	}
	return -EIO;
}

/* As many blocks as one request can name, each of them as a whole. */
static int inflate_small(struct tell *tell, struct request *request, struct list_head *blocks)
{
	struct page *block, *next;
	unsigned long count = 0;

	list_for_each_entry_safe(block, next, blocks, lru) {
		unsigned long pages = block_pages(block);

		if (count + pages > TELL_PAGES || !name_is_possible(tell, block, pages))
			break;
		name_frames(tell, request, block, pages);
		list_move_tail(&block->lru, &request->blocks);
		count += pages;
	}
	return inflate_post(tell, request, count, blocks);
}

static int inflate_by_frames(struct tell *tell, struct list_head *blocks, unsigned long limit)
{
	struct page *block = list_first_entry(blocks, struct page, lru);
	unsigned int parts = name_parts(block);
	struct request *request;
	LIST_HEAD(requests);

	if (!name_is_possible(tell, block, block_pages(block)))
		return -ERANGE;
	if (parts == 1) {
		request = room_take_one(tell, &tell->inflate, TELL_RESERVE_MOVING, limit);
		return request ? inflate_small(tell, request, blocks) : -ETIMEDOUT;
	}
	if (!room_take(tell, &tell->inflate, TELL_RESERVE_MOVING, parts, &requests, limit))
		return -ETIMEDOUT;
	return inflate_large(tell, &requests, blocks);
}

static int inflate_by_ranges(struct tell *tell, struct list_head *blocks, unsigned long limit)
{
	struct memory_range table[INFLATE_RANGES];
	struct ranges ranges = { .table = table, .grain = INFLATE_GRAIN_PAGES };
	struct page *block, *next;
	struct request *request;
	unsigned long count = 0;
	unsigned int i;

	request = room_take_one(tell, tell->report, 0, limit);
	if (!request)
		return -ETIMEDOUT;
	ranges.capacity = min(queue_chain(tell->report), INFLATE_RANGES);
	list_for_each_entry_safe(block, next, blocks, lru) {
		if (!ranges_add(&ranges, page_to_pfn(block), block_pages(block)))
			break;
		list_move_tail(&block->lru, &request->blocks);
		count += block_pages(block);
	}
	for (i = 0; i < ranges.count; i++)
		queue_name(tell->report, request, pfn_to_page(table[i].first),
			   table[i].count << PAGE_SHIFT);
	return inflate_post(tell, request, count, blocks);
}

static int inflate_compare(void *unused, const struct list_head *left,
			   const struct list_head *right)
{
	unsigned long first = page_to_pfn(list_entry(left, struct page, lru));
	unsigned long second = page_to_pfn(list_entry(right, struct page, lru));

	return first > second ? 1 : -1;
}

static int inflate_some(struct tell *tell, struct list_head *blocks, unsigned long limit)
{
	if (tell->way == TELL_BY_RANGES)
		return inflate_by_ranges(tell, blocks, limit);
	return inflate_by_frames(tell, blocks, limit);
}

/* Waits for what comes back, then names block after block. */
static int inflate_all(struct tell *tell, struct list_head *blocks, unsigned long limit,
		       bool (*stop)(void *argument), void *argument)
{
	bool deflated = false;
	int error = 0;

	while (!error && !list_empty(blocks)) {
		unsigned long ask = jiffies + INFLATE_ASK_TIME;

		if (time_after(ask, limit))
			ask = limit;
		if (stop(argument))
			return -EAGAIN;
		error = deflated ? inflate_some(tell, blocks, ask) : tell_wait_deflated(tell, ask);
		deflated |= !error;
		if (error == -ETIMEDOUT && time_before(jiffies, limit))
			error = 0;
	}
	return error;
}

/**
 * inflate_memory - give blocks to the host
 * @tell: what the device is told
 * @blocks: blocks that nobody else uses, best the largest first; empty afterwards
 * @limit: the moment, in jiffies, when waiting for the device ends at the latest
 * @stop: asked before each request, and while waiting, whether the guest needs the rest
 * @argument: what @stop is asked with
 *
 * Sleeps; call it with no lock held. Keeps rules O8 and R3: what was named is held when
 * the device has answered, and out of use until then; what could not be named went back
 * to the guest.
 *
 * Return: 0 if all was named; -EAGAIN if it was stopped; -ETIMEDOUT if the device leaves no
 * room, or owes an answer to what came back; -EIO if it can't be told; -ERANGE if a block
 * has no frame numbers of 32 bits.
 */
int inflate_memory(struct tell *tell, struct list_head *blocks, unsigned long limit,
		   bool (*stop)(void *argument), void *argument)
{
	int error;

	if (tell->way == TELL_BY_RANGES)
		list_sort(NULL, blocks, inflate_compare);
	error = inflate_all(tell, blocks, limit, stop, argument);
	notify_device(tell_naming_queue(tell));
	source_give_back(blocks);
	return error;
}
