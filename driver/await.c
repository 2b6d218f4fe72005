// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Waiting for a device's answers.
 *
 * The rule: every wait ends, at a moment that the waiter names, or when no answer can come
 * any more. Whoever waits settles what was answered, for others too, and holds no lock.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "await.h"
#include "queue.h"

/* How long a wait goes without looking at the ring by itself, in jiffies. */
#define AWAIT_LOOK_AGAIN (HZ / 10 ?: 1)

static bool await_is_over(struct queue *queue, bool (*reached)(void *), void *argument)
{
	return reached(argument) || !list_empty_careful(&queue->answered) ||
	       READ_ONCE(queue->state) == QUEUE_CLOSED;
}

/**
 * await - settle answers until a state is reached
 * @queue: the queue whose answers lead to that state
 * @reached: says whether it is reached; takes no lock
 * @argument: what @reached looks at
 * @limit: the moment, in jiffies, when waiting ends at the latest
 *
 * Sleeps, unless @limit is past; call it with no lock held. Looks into the ring now and
 * then, so that a lost interrupt or a device that breaks costs a moment and no more.
 *
 * Return: 0 once the state is reached; -ETIMEDOUT; -EIO if no answer can come any more.
 */
int await(struct queue *queue, bool (*reached)(void *argument), void *argument,
	  unsigned long limit)
{
	for (;;) {
		long left = limit - jiffies;

		queue_look(queue);
		queue_settle(queue);
		if (reached(argument))
			return 0;
		if (!queue_works(queue))
			return -EIO;
		if (left <= 0)
			return -ETIMEDOUT;
		wait_event_idle_timeout(queue->changed, await_is_over(queue, reached, argument),
					min(left, (long)AWAIT_LOOK_AGAIN));
	}
}

static bool await_is_quiet(void *queue)
{
	return !READ_ONCE(((struct queue *)queue)->busy);
}

/**
 * await_quiet - settle answers until every request has been answered
 * @queue: the queue
 * @limit: the moment, in jiffies, when waiting ends at the latest
 *
 * Sleeps like await(). With @limit in the past it says at once how things stand.
 *
 * Return: as await().
 */
int await_quiet(struct queue *queue, unsigned long limit)
{
	return await(queue, await_is_quiet, queue, limit);
}
