// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much the device can be told at once.
 *
 * The rule: a request is taken only when the ring has room for it, and a block of memory is
 * named or told only when there is room for all requests that it needs. So what was posted
 * is there for the device to see.
 */
#include <linux/sizes.h>

#include "await.h"
#include "block.h"
#include "compat.h"
#include "notify.h"
#include "room.h"
#include "tell.h"

/* What is named by ranges at once: enough to find many neighbours. */
#define ROOM_RANGES_BYTES SZ_256M

/**
 * room_largest_order - how large a block can be named and told
 * @tell: what the device is told; open
 *
 * Does not sleep. In a small ring there is no room for all frame numbers of a large block.
 *
 * Return: 2 to the power of this, in pages.
 */
unsigned int room_largest_order(struct tell *tell)
{
	unsigned int room;

	if (tell->way == TELL_BY_RANGES)
		return BLOCK_WHOLE_ORDER;
	room = min(queue_capacity(&tell->inflate, TELL_RESERVE_MOVING),
		   queue_capacity(&tell->deflate, TELL_RESERVE_RESCUE));
	room = clamp(room, 1u, TELL_BATCH);
	return min_t(unsigned int, BLOCK_WHOLE_ORDER, ilog2(room * TELL_PAGES));
}

/**
 * room_batch_pages - how much memory is best named or told at once
 * @tell: what the device is told
 *
 * Does not sleep.
 *
 * Return: base pages.
 */
unsigned long room_batch_pages(struct tell *tell)
{
	if (tell->way == TELL_BY_RANGES)
		return max(ROOM_RANGES_BYTES >> PAGE_SHIFT, BLOCK_WHOLE_PAGES);
	return TELL_BATCH * TELL_PAGES;
}

/* How many requests of a queue the worker leaves for others. */
static unsigned int room_reserve(struct tell *tell, struct queue *queue)
{
	if (queue == &tell->inflate)
		return TELL_RESERVE_MOVING;
	return queue == &tell->deflate ? TELL_RESERVE_RESCUE : 0;
}

/* Whether so many requests can be taken, as await() asks it. */
struct room_wish {
	struct queue *queue;
	unsigned int reserve;
	unsigned int count;
};

static bool room_suffices(void *argument)
{
	struct room_wish *wish = argument;

	return queue_room(wish->queue, wish->reserve) >= wish->count;
}

/**
 * room_take - take requests, waiting for room if need be
 * @tell: what the device is told
 * @queue: the naming queue, or the deflate queue
 * @reserve: how many requests to leave for others
 * @count: how many are wanted
 * @requests: list to which they are added
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps only if it waits; then what was posted is notified first. Their owner is @tell.
 *
 * Return: false if there is no room for all of them, and none was taken.
 */
bool room_take(struct tell *tell, struct queue *queue, unsigned int reserve,
	       unsigned int count, struct list_head *requests, unsigned long limit)
{
	struct room_wish wish = { queue, reserve, count };
	bool took = queue_take_several(queue, reserve, count, requests);
	bool waits = time_before(jiffies, limit);
	struct request *request;
	int error = 0;

	if (!took)
		notify_device(queue);
	while (!took && !error) {
		error = await(queue, room_suffices, &wish, limit);
		took = queue_take_several(queue, reserve, count, requests);
	}
	if (!took && queue == &tell->deflate)
		tell_note_silence(tell, waits, error);
	if (took)
		list_for_each_entry(request, requests, link)
			request->owner = tell;
	return took;
}

/**
 * room_take_one - take one request, waiting for room if need be
 * @tell: what the device is told
 * @queue: the naming queue, or the deflate queue
 * @reserve: how many requests to leave for others
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * As room_take().
 *
 * Return: the request, or NULL.
 */
struct request *room_take_one(struct tell *tell, struct queue *queue, unsigned int reserve,
			      unsigned long limit)
{
	struct request *request;
	LIST_HEAD(requests);

	if (!room_take(tell, queue, reserve, 1, &requests, limit))
		return NULL;
	request = list_first_entry(&requests, struct request, link);
	list_del(&request->link);
	return request;
}

/**
 * room_wait - wait until there is room for a batch
 * @tell: what the device is told
 * @queue: the naming queue, or the deflate queue
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps only if it waits. So a device that works through what it was told is notified
 * once for many requests, and not for each that it has answered.
 *
 * Return: 0, -ETIMEDOUT or -EIO, as await().
 */
int room_wait(struct tell *tell, struct queue *queue, unsigned long limit)
{
	unsigned int reserve = room_reserve(tell, queue);
	unsigned int half = (queue_capacity(queue, reserve) + 1) / 2;
	struct room_wish wish = { queue, reserve, min(half, TELL_BATCH) };

	return await(queue, room_suffices, &wish, limit);
}
