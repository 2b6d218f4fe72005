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
 * @held: requests between the two, by their number
 */
struct ring {
	struct virtqueue *virtqueue;
	u16 seen;
	u16 used;
	struct held held[RING_SIZE_MAX];
};

/**
 * struct buffer - what one request says
 * @data: its first byte
 * @bytes: its length
 * @is_plain: whether it is one piece that the device reads, as all of a balloon's are
 */
struct buffer {
	void *data;
	unsigned int bytes;
	bool is_plain;
};

void ring_open(struct ring *ring, struct virtqueue *virtqueue);
void ring_close(struct ring *ring);
bool ring_has_more(struct ring *ring);
bool ring_see(struct ring *ring, struct buffer *buffer);
unsigned int ring_held(struct ring *ring);
struct held *ring_first_held(struct ring *ring);
void ring_read(struct ring *ring, u16 head, struct buffer *buffer);
void ring_answer(struct ring *ring);
void ring_interrupt(struct ring *ring, u16 used_before);

#endif
