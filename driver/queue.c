// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One virtqueue and its requests.
 *
 * The rule: a request is in exactly one place at any time, and a virtqueue is touched
 * only under its lock and only while the queue is open. No more requests can be taken than
 * the ring has room for, so that what is posted is there to see.
 */
#include <linux/interrupt.h>
#include <linux/scatterlist.h>
#include <linux/virtio.h>

#include "compat.h"
#include "notify.h"
#include "queue.h"
#include "trace.h"

/**
 * queue_prepare - allocate a queue's requests and all that they need
 * @queue: the queue, not in use
 * @shape: how many requests there will be, and how large
 * @on_answer: called after an answer, under the queue's lock; may not sleep
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int queue_prepare(struct queue *queue, struct request_shape shape,
		  void (*on_answer)(struct queue *queue))
{
	unsigned int i;

	spin_lock_init(&queue->lock);
	init_waitqueue_head(&queue->changed);
	INIT_LIST_HEAD(&queue->idle);
	INIT_LIST_HEAD(&queue->answered);
	queue->state = QUEUE_CLOSED;
	queue->on_answer = on_answer;
	if (requests_prepare(&queue->requests, shape))
		return -ENOMEM;
	for (i = 0; i < shape.count; i++)
		list_add_tail(&queue->requests.all[i].link, &queue->idle);
	queue->idle_count = shape.count;
	return 0;
}

/**
 * queue_free - free what queue_prepare() allocated
 * @queue: the queue, closed and quiet
 *
 * May sleep.
 */
void queue_free(struct queue *queue)
{
	requests_free(&queue->requests);
}

/**
 * queue_open - let requests through to a virtqueue
 * @queue: the queue, closed and quiet
 * @virtqueue: a virtqueue of a device that was found but is not yet ready
 *
 * Does not sleep. Nothing reaches the device before somebody posts and kicks. A request
 * with ranges takes half of the ring at most, so that one can be filled while the device
 * works on another.
 */
void queue_open(struct queue *queue, struct virtqueue *virtqueue)
{
	unsigned int size = virtqueue_get_vring_size(virtqueue);
	struct request_shape *shape = &queue->requests.shape;
	unsigned int chain = clamp(size / 2, 1u, max(shape->ranges, 1u));

	spin_lock_irq(&queue->lock);
	queue->virtqueue = virtqueue;
	queue->unnotified = false;
	WRITE_ONCE(queue->chain, chain);
	WRITE_ONCE(queue->capacity, min(shape->count, size / chain));
	WRITE_ONCE(queue->state, QUEUE_OPEN);
	spin_unlock_irq(&queue->lock);
}

/**
 * queue_close - touch the virtqueue no more
 * @queue: the queue; closing a closed one does nothing
 *
 * Afterwards the virtqueue may be deleted. What the device holds it still holds: reset it,
 * then call queue_forget(). May sleep, for as long as a notification takes.
 */
void queue_close(struct queue *queue)
{
	spin_lock_irq(&queue->lock);
	WRITE_ONCE(queue->state, QUEUE_CLOSED);
	spin_unlock_irq(&queue->lock);
	wake_up_all(&queue->changed);
	notify_finish(queue);
	spin_lock_irq(&queue->lock);
	queue->virtqueue = NULL;
	WRITE_ONCE(queue->capacity, 0);
	spin_unlock_irq(&queue->lock);
}

static void queue_answer(struct queue *queue, struct request *request)
{
	request->state = REQUEST_ANSWERED;
	list_add_tail(&request->link, &queue->answered);
}

/**
 * queue_forget - take a reset of the device for the answer to all requests
 * @queue: the queue, closed, its device reset
 *
 * Call it with no spinlock held, from process context. Sleeps until whoever settles an
 * answer meanwhile has done so. Afterwards the queue is quiet.
 */
void queue_forget(struct queue *queue)
{
	unsigned int i;

	spin_lock_irq(&queue->lock);
	for (i = 0; i < queue->requests.shape.count; i++) {
		struct request *request = &queue->requests.all[i];

		if (request->state == REQUEST_POSTED)
			queue_answer(queue, request);
	}
	spin_unlock_irq(&queue->lock);
	wake_up_all(&queue->changed);
	queue_settle(queue);
	wait_event(queue->changed, !READ_ONCE(queue->busy));
}

static int queue_add(struct queue *queue, struct request *request)
{
	struct scatterlist list;

	if (request->range_count) {
		sg_mark_end(&request->ranges[request->range_count - 1]);
		return virtqueue_add_inbuf(queue->virtqueue, request->ranges,
					   request->range_count, request, GFP_ATOMIC);
	}
	sg_init_one(&list, request->buffer, request->length);
	return virtqueue_add_outbuf(queue->virtqueue, &list, 1, request, GFP_ATOMIC);
}

static bool queue_empty_ring(struct queue *queue)
{
	struct request *request;
	unsigned int length;
	bool answered = false;

	do {
		virtqueue_disable_cb(queue->virtqueue);
		while ((request = virtqueue_get_buf(queue->virtqueue, &length))) {
			trace_aerostat_answer(queue->virtqueue, request->memory,
					      request->posted);
			queue_answer(queue, request);
			answered = true;
		}
	} while (!virtqueue_is_broken(queue->virtqueue) &&
		 !virtqueue_enable_cb(queue->virtqueue));
	return answered;
}

/**
 * queue_look - take what the device has answered
 * @queue: the queue; a closed one is left alone
 *
 * The virtqueue's callback ends here. Does not sleep; any context. Used lengths are
 * ignored: rule L1.
 */
void queue_look(struct queue *queue)
{
	unsigned long flags;
	bool answered = false;

	spin_lock_irqsave(&queue->lock, flags);
	if (queue->state == QUEUE_OPEN)
		answered = queue_empty_ring(queue);
	if (answered)
		queue->on_answer(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (answered)
		wake_up_all(&queue->changed);
}

/**
 * queue_capacity - how many requests can be out at once
 * @queue: the queue
 * @reserve: how many to leave for others; of a small ring half of it
 *
 * Does not sleep.
 *
 * Return: so many; none if the queue is closed.
 */
unsigned int queue_capacity(struct queue *queue, unsigned int reserve)
{
	unsigned int capacity = READ_ONCE(queue->capacity);

	return capacity - min(reserve, capacity / 2);
}

/**
 * queue_room - how many requests can be taken
 * @queue: the queue
 * @reserve: how many to leave for others; of a small ring half of it
 *
 * Does not sleep. Without the queue's lock the answer may be out of date.
 *
 * Return: so many; none if the queue is closed.
 */
unsigned int queue_room(struct queue *queue, unsigned int reserve)
{
	unsigned int out = queue->requests.shape.count - READ_ONCE(queue->idle_count);
	unsigned int capacity = queue_capacity(queue, reserve);

	return out < capacity ? capacity - out : 0;
}

/**
 * queue_chain - how many ranges one request can name
 * @queue: the queue, open
 *
 * Does not sleep.
 *
 * Return: so many.
 */
unsigned int queue_chain(struct queue *queue)
{
	return READ_ONCE(queue->chain);
}

/**
 * queue_take_several - take requests to fill, all that are wanted or none
 * @queue: the queue
 * @reserve: how many to leave for others; of a small ring half of it
 * @count: how many are wanted
 * @requests: list to which they are added
 *
 * Does not sleep, takes the queue's lock. Post the requests, or put them back.
 *
 * Return: false if there is no room for so many, or the queue is closed.
 */
bool queue_take_several(struct queue *queue, unsigned int reserve, unsigned int count,
			struct list_head *requests)
{
	struct request *request;
	unsigned long flags;
	unsigned int i;
	bool fits;

	spin_lock_irqsave(&queue->lock, flags);
	fits = queue_room(queue, reserve) >= count;
	for (i = 0; fits && i < count; i++) {
		request = list_first_entry(&queue->idle, struct request, link);
		list_move_tail(&request->link, requests);
		WRITE_ONCE(queue->idle_count, queue->idle_count - 1);
		request->state = REQUEST_TAKEN;
		if (queue->requests.shape.ranges)
			sg_init_table(request->ranges, queue->requests.shape.ranges);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return fits;
}

/**
 * queue_take - take a request to fill
 * @queue: the queue
 * @reserve: how many to leave for others; of a small ring half of it
 *
 * Does not sleep, takes the queue's lock. Post the request, or put it back.
 *
 * Return: the request, or NULL if there is no room, or the queue is closed.
 */
struct request *queue_take(struct queue *queue, unsigned int reserve)
{
	struct request *request;
	LIST_HEAD(requests);

	if (!queue_take_several(queue, reserve, 1, &requests))
		return NULL;
	request = list_first_entry(&requests, struct request, link);
	list_del(&request->link);
	return request;
}

/**
 * queue_name - add a range of memory to a request
 * @queue: the queue
 * @request: a request that the caller has taken
 * @page: the range's first page
 * @bytes: its length
 *
 * Does not sleep, takes no lock.
 *
 * Return: false if the request names as many ranges as it can.
 */
bool queue_name(struct queue *queue, struct request *request, struct page *page,
		unsigned int bytes)
{
	if (request->range_count >= queue_chain(queue))
		return false;
	sg_set_page(&request->ranges[request->range_count++], page, bytes, 0);
	request->memory += bytes;
	return true;
}

/**
 * queue_post - put a filled request into the ring
 * @queue: the queue
 * @request: a request that the caller has taken
 *
 * Does not sleep, takes the queue's lock, allocates nothing. From now on the device can
 * see it; call notify_device() after the last of a series.
 *
 * Return: 0; -EIO if the queue is closed or broken, and the request is still the caller's.
 */
int queue_post(struct queue *queue, struct request *request)
{
	unsigned long flags;
	int error = -EIO;

	spin_lock_irqsave(&queue->lock, flags);
	if (queue->state == QUEUE_OPEN && !queue_add(queue, request)) {
		request->state = REQUEST_POSTED;
		queue->unnotified = true;
		request->posted = ktime_get();
		trace_aerostat_post(queue->virtqueue, request->memory);
		WRITE_ONCE(queue->busy, queue->busy + 1);
		error = 0;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return error;
}

static struct request *queue_collect(struct queue *queue)
{
	struct request *request;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	request = list_first_entry_or_null(&queue->answered, struct request, link);
	if (request) {
		list_del(&request->link);
		request->state = REQUEST_SETTLING;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return request;
}

/**
 * queue_settle - let every answer take its effect
 * @queue: the queue
 *
 * Call it with no lock held, from process context. Sleeps only if a request's settle()
 * does. Whoever waits for an answer calls this, and settles for others too.
 */
void queue_settle(struct queue *queue)
{
	struct request *request;

	while ((request = queue_collect(queue))) {
		if (request->settle)
			request->settle(request);
		queue_put(queue, request);
	}
}

/**
 * queue_put - put a request back among the idle ones
 * @queue: the queue
 * @request: a request that the caller has taken or collected; its lists are empty
 *
 * Does not sleep, takes the queue's lock.
 */
void queue_put(struct queue *queue, struct request *request)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (request->state == REQUEST_SETTLING)
		WRITE_ONCE(queue->busy, queue->busy - 1);
	if (request->state == REQUEST_SETTLING && !queue->busy && queue->state == QUEUE_OPEN)
		queue->on_answer(queue);
	request->state = REQUEST_IDLE;
	request_clear(request);
	list_add(&request->link, &queue->idle);
	WRITE_ONCE(queue->idle_count, queue->idle_count + 1);
	spin_unlock_irqrestore(&queue->lock, flags);
	wake_up_all(&queue->changed);
}

/**
 * queue_unanswered - how many requests wait for their answer, or for it to be settled
 * @queue: the queue
 *
 * Does not sleep, takes no lock.
 *
 * Return: so many.
 */
unsigned int queue_unanswered(struct queue *queue)
{
	return READ_ONCE(queue->busy);
}

/**
 * queue_is_overdue - whether the device has kept an answer back for long
 * @queue: the queue
 * @ms: how long, in ms
 *
 * Does not sleep, takes the queue's lock. What the device has just answered counts as long
 * as nobody has looked: see queue_look().
 *
 * Return: true if so.
 */
bool queue_is_overdue(struct queue *queue, unsigned int ms)
{
	ktime_t since = ktime_sub_ms(ktime_get(), ms);
	bool overdue = false;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&queue->lock, flags);
	for (i = 0; i < queue->requests.shape.count; i++) {
		struct request *request = &queue->requests.all[i];

		if (request->state == REQUEST_POSTED && ktime_before(request->posted, since))
			overdue = true;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return overdue;
}

/**
 * queue_works - whether posting can succeed
 * @queue: the queue
 *
 * Does not sleep, takes the queue's lock.
 *
 * Return: true if open and not broken.
 */
bool queue_works(struct queue *queue)
{
	unsigned long flags;
	bool works;

	spin_lock_irqsave(&queue->lock, flags);
	works = queue->state == QUEUE_OPEN && !virtqueue_is_broken(queue->virtqueue);
	spin_unlock_irqrestore(&queue->lock, flags);
	return works;
}
