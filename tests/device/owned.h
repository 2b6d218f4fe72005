/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_OWNED_H
#define BALLOON_DEVICE_OWNED_H

#include <linux/types.h>

/**
 * struct owned - the guest's pages that the host owns; all under the host's lock
 * @frames: a bit for each frame that the host owns
 * @pending: a bit for each of them whose inflate request is not yet answered
 * @came_back: a bit for each frame that the host owned and owns no more
 * @limit: frames that the guest has; fixed
 * @count: bits set in @frames
 * @used: times that a frame did not look as it was left when it was scribbled on again
 * @next: where scribbling goes on
 */
struct owned {
	unsigned long *frames;
	unsigned long *pending;
	unsigned long *came_back;
	unsigned long limit;
	unsigned long count;
	unsigned long used;
	unsigned long next;
};

int owned_prepare(struct owned *owned);
void owned_free(struct owned *owned);
bool owned_is_memory(struct owned *owned, u32 frame);
bool owned_has(struct owned *owned, u32 frame);
bool owned_is_free(struct owned *owned, u32 frame);
bool owned_is_pending(struct owned *owned, u32 frame);
void owned_begin(struct owned *owned, u32 frame);
void owned_acknowledge(struct owned *owned, u32 frame);
void owned_end(struct owned *owned, u32 frame);
void owned_end_all(struct owned *owned);
bool owned_is_scribbled_on(struct owned *owned, u32 frame);
bool owned_holds(struct owned *owned, u32 frame, u64 word);
unsigned long owned_came_back_with(struct owned *owned, u64 word);
void owned_scribble_on(struct owned *owned, u32 frame);
void owned_scribble_again(struct owned *owned, u32 frame);
void owned_scribble_some(struct owned *owned, unsigned int count);
void owned_scribble_all(struct owned *owned);

#endif
