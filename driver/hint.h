/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_HINT_H
#define AEROSTAT_HINT_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "keep.h"
#include "queue.h"

struct tally;
struct virtio_device;

/* Where the conversation about free memory stands. */
enum hint_state {
	HINT_STOPPED,
	HINT_IDLE,		/* no block is kept for the device */
	HINT_SUPPLYING,		/* a round is open: blocks are named */
	HINT_ENDING,		/* no more can be named, which is to be said */
	HINT_KEEPING,		/* no round is open; blocks are kept until DONE */
};

/**
 * struct hint - free memory that a migration need not copy
 * @device: the device; fixed
 * @tally: what has happened so far; fixed
 * @queue: the hinting queue; a lock of its own
 * @workqueue: where @work runs; freezable; fixed
 * @work: one step of the conversation
 * @shrinker: gives kept blocks back to a guest that needs them; fixed
 * @command: what the device wants, as last read; @work's
 * @order: the largest order that may still be free in this round; @work's
 * @lock: guards what follows
 * @state: where the conversation stands
 * @read_command: whether @command may have changed since it was read
 * @keep: blocks that were named and acknowledged; its round is the command that opened the
 *	last round, 0 after DONE, written by @work
 */
struct hint {
	struct virtio_device *device;
	struct tally *tally;
	struct queue queue;
	struct workqueue_struct *workqueue;
	struct work_struct work;
	struct shrinker *shrinker;
	u32 command;
	unsigned int order;
	spinlock_t lock;	/* see above */
	enum hint_state state;
	bool read_command;
	struct keep keep;
};

int hint_prepare(struct hint *hint, struct virtio_device *device, struct tally *tally,
		 struct workqueue_struct *workqueue);
void hint_free(struct hint *hint);
void hint_start(struct hint *hint);
void hint_wake(struct hint *hint);
void hint_stop(struct hint *hint);
void hint_forget(struct hint *hint);
void hint_vacate(struct hint *hint, unsigned long first, unsigned long count);

#endif
