// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory comes back from the host: whole blocks when much is wanted, so that the guest can
 * use them as huge pages, and base pages when little is.
 *
 * The rule: what was named by frame numbers is told before the guest uses it (O5), and
 * under MUST_TELL_HOST answered before (O6); it is told only once it was acknowledged (O9),
 * because only then it is held. What was named by ranges comes back without a word. The
 * out-of-memory path comes this way: nothing is allocated, and nobody is waited for whom
 * the caller does not allow. To save a life, memory comes back of which a device that does
 * not answer is told later.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "block.h"
#include "deflate.h"
#include "hold.h"
#include "name.h"
#include "notify.h"
#include "owed.h"
#include "room.h"
#include "source.h"
#include "tell.h"

/**
 * struct deflate - memory that is on its way back
 * @tell: what the device is told
 * @reserve: how many requests to leave for others
 * @limit: the moment, in jiffies, when waiting for the device ends at the latest
 * @owes: whether to owe the device the words for which there is no room
 * @told: blocks and pages of which the device was told, to be given back
 */
struct deflate {
	struct tell *tell;
	unsigned int reserve;
	unsigned long limit;
	bool owes;
	struct list_head told;
};

static void deflate_give_back(struct tell *tell, struct list_head *blocks)
{
	atomic_long_add(source_give_back(blocks), &tell->returned);
}

static void deflate_settle(struct request *request)
{
	struct tell *tell = request->owner;

	if (request->block && hold_answered(tell->hold, request->block, 1)) {
		list_add(&request->block->lru, &request->blocks);
		/* A queue that broke may not have taken all that was to be told of it. */
		if (!queue_works(&tell->deflate))
			hold_put(tell->hold, &request->blocks);
	}
	deflate_give_back(tell, &request->blocks);
}

static void deflate_finish(struct deflate *deflate)
{
	if (deflate->tell->way == TELL_BY_FRAMES)
		notify_device(&deflate->tell->deflate);
	deflate_give_back(deflate->tell, &deflate->told);
}

static bool deflate_take(struct deflate *deflate, unsigned int count,
			 struct list_head *requests)
{
	struct queue *queue = &deflate->tell->deflate;
	struct request *request;

	if (queue_room(queue, deflate->reserve) < count)
		deflate_finish(deflate);
	if (!room_take(deflate->tell, queue, deflate->reserve, count, requests, deflate->limit))
		return false;
	list_for_each_entry(request, requests, link)
		request->settle = deflate_settle;
	return true;
}

static struct request *deflate_take_one(struct deflate *deflate)
{
	struct request *request;
	LIST_HEAD(requests);

	if (!deflate_take(deflate, 1, &requests))
		return NULL;
	request = list_first_entry(&requests, struct request, link);
	list_del(&request->link);
	return request;
}

static void deflate_put(struct deflate *deflate, struct list_head *requests)
{
	struct request *request, *next;

	list_for_each_entry_safe(request, next, requests, link) {
		list_del(&request->link);
		queue_put(&deflate->tell->deflate, request);
	}
}

static unsigned long deflate_post_block(struct deflate *deflate, struct page *block,
					struct list_head *requests)
{
	unsigned int posted, parts = name_parts(block);
	struct tell *tell = deflate->tell;
	struct request *request;
	LIST_HEAD(blocks);

	list_for_each_entry(request, requests, link)
		request->block = tell->must_tell ? block : NULL;
	posted = name_block(tell, &tell->deflate, block, requests);
	if (posted == parts) {
		if (!tell->must_tell)
			list_add_tail(&block->lru, &deflate->told);
		return BLOCK_WHOLE_PAGES;
	}
	/* The device is broken: the block stays until it is reset. */
	if (!tell->must_tell || hold_answered(tell->hold, block, parts - posted)) {
		block_expect_answers(block, 0);
		list_add(&block->lru, &blocks);
		hold_put(tell->hold, &blocks);
	}
	return 0;
}

/* The block that begins at a page, or with NULL any. Returns how much is on its way. */
static unsigned long deflate_block(struct deflate *deflate, struct page *at)
{
	bool by_frames = deflate->tell->way == TELL_BY_FRAMES;
	struct hold *hold = deflate->tell->hold;
	struct page *block;
	LIST_HEAD(requests);

	if (by_frames &&
	    !deflate_take(deflate, DIV_ROUND_UP(BLOCK_WHOLE_PAGES, TELL_PAGES), &requests))
		return 0;
	block = at ? hold_get_block_at(hold, at) : hold_get_block(hold);
	if (block && by_frames)
		return deflate_post_block(deflate, block, &requests);
	deflate_put(deflate, &requests);
	if (!block)
		return 0;
	list_add_tail(&block->lru, &deflate->told);
	deflate_finish(deflate);
	return BLOCK_WHOLE_PAGES;
}

static unsigned long deflate_post_pages(struct deflate *deflate, struct request *request,
					struct list_head *pages)
{
	struct tell *tell = deflate->tell;
	unsigned long count = 0;
	struct page *page;

	list_for_each_entry(page, pages, lru) {
		name_frames(tell, request, page, 1);
		count++;
	}
	if (tell->must_tell)
		list_splice_init(pages, &request->blocks);
	if (count && !queue_post(&tell->deflate, request)) {
		list_splice_tail_init(pages, &deflate->told);
		return count;
	}
	list_splice_init(&request->blocks, pages);
	hold_put(tell->hold, pages);
	queue_put(&tell->deflate, request);
	return 0;
}

static unsigned long deflate_pages(struct deflate *deflate, unsigned long want)
{
	bool by_frames = deflate->tell->way == TELL_BY_FRAMES;
	struct request *request = NULL;
	unsigned long count;
	LIST_HEAD(pages);

	if (by_frames) {
		request = deflate_take_one(deflate);
		if (!request)
			return 0;
	}
	count = hold_get(deflate->tell->hold, &pages, min(want, TELL_PAGES));
	if (by_frames)
		return deflate_post_pages(deflate, request, &pages);
	list_splice_tail(&pages, &deflate->told);
	deflate_finish(deflate);
	return count;
}

/* A whole block rather than a part of it: there is room for so many words. */
static unsigned long deflate_owe(struct deflate *deflate, unsigned long want)
{
	struct hold *hold = deflate->tell->hold;
	struct page *next, *block = hold_get_block(hold);
	unsigned long count = 0;
	LIST_HEAD(blocks);

	if (block)
		list_add(&block->lru, &blocks);
	else
		hold_get(hold, &blocks, min(want, TELL_PAGES));
	list_for_each_entry_safe(block, next, &blocks, lru) {
		if (!owed_note(&deflate->tell->owed, page_to_phys(block) >> UNIT_SHIFT,
			       block_pages(block) * UNITS_PER_PAGE))
			break;
		list_move_tail(&block->lru, &deflate->told);
		count += block_pages(block);
	}
	hold_put(hold, &blocks);
	return count;
}

static unsigned long deflate_some(struct deflate *deflate, unsigned long want)
{
	unsigned long gone = 0;

	if (want >= BLOCK_WHOLE_PAGES && hold_has_block(deflate->tell->hold))
		gone = deflate_block(deflate, NULL);
	gone = gone ?: deflate_pages(deflate, want);
	return gone || !deflate->owes ? gone : deflate_owe(deflate, want);
}

/* Returns how much came back to the guest meanwhile, through whomever. */
static unsigned long deflate_run(struct deflate *deflate, unsigned long count)
{
	struct tell *tell = deflate->tell;
	long before = atomic_long_read(&tell->returned);
	unsigned long gone = 1;

	while (count && gone) {
		gone = deflate_some(deflate, count);
		count -= min(gone, count);
	}
	deflate_finish(deflate);
	if (tell->must_tell)
		tell_wait_deflated(tell, deflate->limit);
	return atomic_long_read(&tell->returned) - before;
}

/**
 * deflate_memory - give memory from the balloon back to the guest
 * @tell: what the device is told
 * @count: how much, in base pages
 * @reserve: how many requests to leave for others
 * @limit: the moment, in jiffies, when waiting for the device ends at the latest
 *
 * May sleep, unless @limit is past. Keeps rules O5, O6, O7 and O9: the device is told, and
 * under MUST_TELL_HOST what it has not acknowledged by @limit comes back when it does.
 *
 * Return: base pages that came back to the guest meanwhile, through whomever.
 */
unsigned long deflate_memory(struct tell *tell, unsigned long count, unsigned int reserve,
			     unsigned long limit)
{
	struct deflate deflate = { tell, reserve, limit, false, LIST_HEAD_INIT(deflate.told) };

	return deflate_run(&deflate, count);
}

/**
 * deflate_at_once - give memory back to a guest that has none left
 * @tell: what the device is told
 * @count: how much, in base pages
 * @limit: until when to wait for the device under MUST_TELL_HOST; a moment in jiffies
 *
 * Called from whatever allocation has failed: allocates nothing, and takes only locks that
 * nobody holds while waiting. Keeps rules O4 to O7 and O9. Without MUST_TELL_HOST it does
 * not wait, and for want of requests the device is told of the memory later.
 *
 * Return: as deflate_memory().
 */
unsigned long deflate_at_once(struct tell *tell, unsigned long count, unsigned long limit)
{
	struct deflate deflate = { tell, 0, tell->must_tell ? limit : jiffies,
				   tell->way == TELL_BY_FRAMES && !tell->must_tell,
				   LIST_HEAD_INIT(deflate.told) };

	return deflate_run(&deflate, count);
}

/**
 * deflate_tell_owed - tell the device of what came back before it could be told
 * @tell: what the device is told
 * @limit: the moment, in jiffies, when waiting for the device ends at the latest
 *
 * Sleeps, unless @limit is past; call it with no lock held, and not twice at a time.
 * Nothing may be named before it has succeeded.
 *
 * Return: false if the device has not been told of everything.
 */
bool deflate_tell_owed(struct tell *tell, unsigned long limit)
{
	struct queue *queue = &tell->deflate;
	struct request *request;
	unsigned long count;
	u64 first;

	if (owed_is_empty(&tell->owed))
		return true;
	while ((count = owed_first(&tell->owed, TELL_FRAMES, &first))) {
		request = room_take_one(tell, queue, TELL_RESERVE_RESCUE, limit);
		if (!request)
			break;
		name_units(tell, request, first, count);
		if (queue_post(queue, request)) {
			queue_put(queue, request);
			break;
		}
		owed_told(&tell->owed, count);
	}
	notify_device(queue);
	return !count;
}

/**
 * deflate_within - give the whole blocks in some part of memory back to the guest
 * @tell: what the device is told
 * @first: the first frame of that part
 * @count: how many frames it has
 * @limit: the moment, in jiffies, when waiting for the device ends at the latest
 *
 * Sleeps; call it with no lock held. Keeps the rules of deflate_memory(). Blocks that the
 * device has not acknowledged by @limit stay.
 */
void deflate_within(struct tell *tell, unsigned long first, unsigned long count,
		    unsigned long limit)
{
	struct deflate deflate = { tell, TELL_RESERVE_RESCUE, limit, false,
				   LIST_HEAD_INIT(deflate.told) };
	unsigned long frame = ALIGN(first, BLOCK_WHOLE_PAGES);

	tell_wait_inflated(tell, limit);
	for (; frame + BLOCK_WHOLE_PAGES <= first + count; frame += BLOCK_WHOLE_PAGES)
		if (hold_has_block_at(tell->hold, pfn_to_page(frame)))
			deflate_block(&deflate, pfn_to_page(frame));
	deflate_finish(&deflate);
	if (tell->must_tell)
		tell_wait_deflated(tell, limit);
}
