/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_QUEUE_H
#define AEROSTAT_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "request.h"

struct virtqueue;

enum queue_state {
	QUEUE_CLOSED,		/* the virtqueue must not be touched */
	QUEUE_OPEN,
};

/**
 * struct queue - one virtqueue and all requests that can ever be in it
 * @lock: guards what follows and every operation on @virtqueue; states and numbers are
 *	read without it as well, and may be out of date then
 * @state: whether @virtqueue may be touched
 * @virtqueue: the ring; valid while @state is QUEUE_OPEN, and until @notifying is 0
 * @capacity: how many requests can be out at once: all, or what the ring has room for
 * @chain: how many ranges one request can name in this ring
 * @idle: requests that nobody has taken
 * @idle_count: their number
 * @answered: requests that the device has given back and nobody has settled
 * @busy: requests posted and not yet put back
 * @unnotified: whether something was posted since the device was notified
 * @notifying: callers that are notifying the device just now, outside @lock
 * @changed: woken when something was answered, put back or closed
 * @on_answer: called under @lock while open when something was answered, and when the
 *	last request was settled, by whomever; may not sleep
 * @requests: all requests; fixed from prepare to free
 */
struct queue {
	spinlock_t lock;	/* see above */
	enum queue_state state;
	struct virtqueue *virtqueue;
	unsigned int capacity;
	unsigned int chain;
	struct list_head idle;
	unsigned int idle_count;
	struct list_head answered;
	unsigned int busy;
	bool unnotified;
	unsigned int notifying;
	wait_queue_head_t changed;
	void (*on_answer)(struct queue *queue);
	struct requests requests;
};

int queue_prepare(struct queue *queue, struct request_shape shape,
		  void (*on_answer)(struct queue *queue));
void queue_free(struct queue *queue);
void queue_open(struct queue *queue, struct virtqueue *virtqueue);
void queue_close(struct queue *queue);
void queue_forget(struct queue *queue);
void queue_look(struct queue *queue);

unsigned int queue_capacity(struct queue *queue, unsigned int reserve);
unsigned int queue_room(struct queue *queue, unsigned int reserve);
unsigned int queue_chain(struct queue *queue);
struct request *queue_take(struct queue *queue, unsigned int reserve);
bool queue_take_several(struct queue *queue, unsigned int reserve, unsigned int count,
			struct list_head *requests);
bool queue_name(struct queue *queue, struct request *request, struct page *page,
		unsigned int bytes);
int queue_post(struct queue *queue, struct request *request);
void queue_settle(struct queue *queue);
void queue_put(struct queue *queue, struct request *request);

unsigned int queue_unanswered(struct queue *queue);
bool queue_is_overdue(struct queue *queue, unsigned int ms);
bool queue_works(struct queue *queue);

#endif
