// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Notifying the device of what is in a queue.
 *
 * The rule: a device may do all its work before the notification returns, so no lock is held
 * meanwhile. A device hears only of what was posted since the last time. A queue that is
 * closed waits until nobody notifies it any more.
 */
#include <linux/virtio.h>

#include "notify.h"
#include "queue.h"

static bool notify_begin(struct queue *queue, bool unasked)
{
	unsigned long flags;
	bool notify = false;

	spin_lock_irqsave(&queue->lock, flags);
	if (queue->state == QUEUE_OPEN && (queue->unnotified || unasked))
		notify = virtqueue_kick_prepare(queue->virtqueue) || unasked;
	queue->unnotified = false;
	if (notify)
		WRITE_ONCE(queue->notifying, queue->notifying + 1);
	spin_unlock_irqrestore(&queue->lock, flags);
	return notify;
}

static void notify_end(struct queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	WRITE_ONCE(queue->notifying, queue->notifying - 1);
	wake_up_all(&queue->changed);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void notify(struct queue *queue, bool unasked)
{
	if (!notify_begin(queue, unasked))
		return;
	virtqueue_notify(queue->virtqueue);
	notify_end(queue);
}

/**
 * notify_device - notify the device of what was posted, if it wants to know
 * @queue: the queue
 *
 * Does not sleep, takes the queue's lock.
 */
void notify_device(struct queue *queue)
{
	notify(queue, false);
}

/**
 * notify_unasked - notify the device of what it has not answered, if there is anything
 * @queue: the queue
 *
 * As notify_device(), but unasked: for a device that looked at the queue by itself, asked
 * not to be notified meanwhile, and looks no more.
 */
void notify_unasked(struct queue *queue)
{
	if (queue_unanswered(queue))
		notify(queue, true);
}

/**
 * notify_finish - wait until nobody notifies the device any more
 * @queue: the queue, closed
 *
 * Sleeps for as long as a notification takes.
 */
void notify_finish(struct queue *queue)
{
	wait_event(queue->changed, !READ_ONCE(queue->notifying));
}
