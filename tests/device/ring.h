/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_RING_H
#define BALLOON_DEVICE_RING_H

#include <linux/types.h>

struct virtqueue;

#define RING_SIZE_MAX 1024

/**
 * struct held - a request that the device has seen and not yet answered
 * @head: its first descriptor
 * @since: when it was seen, in jiffies
 */
struct held {
	u16 head;
	unsigned long since;
};

/**
 * struct ring - the device's side of one virtqueue; all under the host's lock
 * @virtqueue: the driver's side, or NULL
 * @seen: requests ever seen, modulo 65536
 * @used: requests ever answered, modulo 65536
 * @skew: how far the used index is ahead of that, because the device lied
 * @held: requests between the two, by their number
 */
struct ring {
	struct virtqueue *virtqueue;
	u16 seen;
	u16 used;
	u16 skew;
	struct held held[RING_SIZE_MAX];
};

#define CHAIN_PIECES_MAX 64

/**
 * struct piece - one descriptor of a request
 * @data: its first byte
 * @bytes: its length
 * @writable: whether the device may write to it
 */
struct piece {
	void *data;
	unsigned int bytes;
	bool writable;
};

/**
 * struct chain - what one request says
 * @count: how many pieces it has; those beyond CHAIN_PIECES_MAX are counted and not kept
 * @pieces: what they are
 */
struct chain {
	unsigned int count;
	struct piece pieces[CHAIN_PIECES_MAX];
};

void ring_open(struct ring *ring, struct virtqueue *virtqueue);
void ring_close(struct ring *ring);
u16 ring_posted(struct ring *ring);
u16 ring_index_posted(struct ring *ring);
bool ring_has_more(struct ring *ring);
bool ring_see(struct ring *ring, u16 posted, struct chain *chain);
unsigned int ring_held(struct ring *ring);
struct held *ring_first_held(struct ring *ring);
void ring_read(struct ring *ring, u16 head, struct chain *chain);
void ring_choose(struct ring *ring, unsigned int place);
void ring_answer(struct ring *ring, u32 length);
u16 ring_index(struct ring *ring);
void ring_interrupt(struct ring *ring, u16 used_before);
void ring_interrupt_anyway(struct ring *ring);
void ring_answer_id(struct ring *ring, u32 id);
void ring_answer_twice(struct ring *ring, u32 length);
void ring_jump(struct ring *ring, u16 distance);
void ring_fill(struct ring *ring, u32 (*next)(void *chance), void *chance);

#endif
