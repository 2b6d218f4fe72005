/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_REQUEST_H
#define AEROSTAT_REQUEST_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>

struct page;
struct scatterlist;

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
 * @link: place on one of the queue's lists; queue->lock; while taken the taker's
 * @state: where the request stands; queue->lock
 * @buffer: what the device reads; the taker's until posted, then the device's
 * @length: bytes of @buffer in use; the taker's
 * @ranges: table of what the device may overwrite; likewise
 * @range_count: ranges in use, or 0 if the device is to read @buffer; the taker's
 * @settle: what the answer does, called without a lock, or NULL; the taker's
 * @owner: whom @settle works for; the taker's
 * @blocks: blocks whose fate hangs on the answer; the taker's, then the settler's
 * @block: a block whose fate hangs on other answers too, or a page whose list head
 *	somebody else uses, or NULL; likewise
 * @memory: how much memory it speaks of, in bytes; the taker's
 * @posted: when it was put into the ring; queue->lock
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
	struct list_head blocks;
	struct page *block;
	u64 memory;
	ktime_t posted;
};

/**
 * struct request_shape - how many requests a queue has, and how large
 * @count: how many requests there are
 * @buffer_bytes: size of each one's buffer, in bytes
 * @ranges: how many ranges each one can name at most
 */
struct request_shape {
	unsigned int count;
	unsigned int buffer_bytes;
	unsigned int ranges;
};

/**
 * struct requests - all requests of one queue; fixed from prepare to free
 * @shape: how many there are, and how large
 * @all: the requests
 * @ranges: memory of all tables of ranges
 */
struct requests {
	struct request_shape shape;
	struct request *all;
	struct scatterlist *ranges;
};

int requests_prepare(struct requests *requests, struct request_shape shape);
void requests_free(struct requests *requests);
void request_clear(struct request *request);

#endif
