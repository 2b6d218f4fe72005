/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_QUEUE_H
#define AEROSTAT_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct page;
struct scatterlist;
struct virtqueue;

/* Where a request stands, in the order in which it moves. */
enum request_state {
	REQUEST_IDLE,		/* nobody's, on queue->idle */
	REQUEST_TAKEN,		/* being filled by whoever took it */
	REQUEST_POSTED,		/* in the ring, for the device to see */
	REQUEST_ANSWERED,	/* the device gave it back, on queue->answered */
	REQUEST_SETTLING,	/* being settled by whoever collected it */
};

/**
 * struct request - what the device gets at once, and the memory that it speaks of
 *
 * It is either bytes that the device reads, or ranges of memory that it may overwrite.
 *
 * @link: place on one of the queue's lists; queue->lock
 * @state: where the request stands; queue->lock
 * @buffer: what the device reads; the taker's until posted, then the device's
 * @length: bytes of @buffer in use; the taker's
 * @ranges: table of what the device may overwrite; likewise
 * @range_count: ranges in use, or 0 if the device is to read @buffer; the taker's
 * @settle: what the answer does, called without a lock, or NULL; the taker's
 * @owner: whom @settle works for; the taker's
 * @pages: base pages whose fate hangs on the answer; the taker's, then the settler's
 * @count: how many of them there are; likewise
 * @page: one such page whose list head somebody else uses, or NULL; likewise
 * @mark: what the owner wants to know again when the answer comes; the taker's
 */
struct request {
	struct list_head link;
	enum request_state state;
	void *buffer;
	unsigned int length;
	struct scatterlist *ranges;
	unsigned int range_count;
	void (*settle)(struct request *request);
	void *owner;
	struct list_head pages;
	unsigned int count;
	struct page *page;
	u32 mark;
};

/**
 * struct queue_shape - how large a queue is made
 * @requests: how many requests there are
 * @buffer_bytes: size of each one's buffer, in bytes
 * @ranges: how many ranges each one can name at most
 */
struct queue_shape {
	unsigned int requests;
	unsigned int buffer_bytes;
	unsigned int ranges;
};

enum queue_state {
	QUEUE_CLOSED,		/* the virtqueue must not be touched */
	QUEUE_OPEN,
};

/**
 * struct queue - one virtqueue and all requests that can ever be in it
 * @lock: guards what follows and every operation on @virtqueue
 * @state: whether @virtqueue may be touched
 * @virtqueue: the ring; valid while @state is QUEUE_OPEN
 * @capacity: how many requests can be out at once: all, or what the ring has room for
 * @chain: how many ranges one request can name in this ring
 * @idle: requests that nobody has taken
 * @idle_count: their number
 * @answered: requests that the device has given back and nobody has settled
 * @busy: requests posted and not yet put back
 * @kicking: callers that are notifying the device just now, outside @lock
 * @changed: woken when something was answered, put back or closed
 * @on_answer: called under @lock while open when something was answered, and when the
 *	last request was settled, by whomever; may not sleep
 * @shape: how many requests there are, and how large; fixed
 * @requests: all requests; fixed from prepare to free
 * @buffers: memory of all buffers, or NULL; fixed
 * @ranges: memory of all tables of ranges, or NULL; fixed
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
	unsigned int kicking;
	wait_queue_head_t changed;
	void (*on_answer)(struct queue *queue);
	struct queue_shape shape;
	struct request *requests;
	void *buffers;
	struct scatterlist *ranges;
};

int queue_prepare(struct queue *queue, struct queue_shape shape,
		  void (*on_answer)(struct queue *queue));
void queue_free(struct queue *queue);
void queue_open(struct queue *queue, struct virtqueue *virtqueue);
void queue_close(struct queue *queue);
void queue_forget(struct queue *queue);
void queue_look(struct queue *queue);

bool queue_has_room(struct queue *queue, unsigned int reserve);
struct request *queue_take(struct queue *queue, unsigned int reserve);
bool queue_name(struct queue *queue, struct request *request, struct page *page,
		unsigned int bytes);
int queue_post(struct queue *queue, struct request *request);
void queue_kick(struct queue *queue);
void queue_remind(struct queue *queue);
struct request *queue_collect(struct queue *queue);
void queue_settle(struct queue *queue);
void queue_put(struct queue *queue, struct request *request);

bool queue_works(struct queue *queue);
int queue_wait(struct queue *queue, bool (*reached)(void *argument), void *argument,
	       unsigned long limit);
int queue_wait_quiet(struct queue *queue, unsigned long limit);

#endif
