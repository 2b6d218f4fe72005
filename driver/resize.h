/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_RESIZE_H
#define AEROSTAT_RESIZE_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "pace.h"

struct hold;
struct tell;
struct virtio_device;

/* What the worker is at. */
enum resize_state {
	RESIZE_STOPPED,
	RESIZE_AT_TARGET,
	RESIZE_INFLATING,
	RESIZE_DEFLATING,
	RESIZE_HOLDING_OFF,	/* the guest was out of memory and took some back */
	RESIZE_OUT_OF_MEMORY,	/* the guest has no more to give */
	RESIZE_NOT_ANSWERING,	/* the device owes an answer */
};

/**
 * struct resize - the worker that brings the balloon to the target
 * @device: the device; fixed
 * @hold: what the balloon holds; fixed
 * @tell: what the device is told; fixed
 * @workqueue: where @work runs; freezable; fixed
 * @work: one step; the worker
 * @lock: guards @state, @not_before and @pause
 * @state: what the worker is at
 * @not_before: when the balloon may grow again, in jiffies of 64 bits
 * @pause: what the worker is at until then
 * @target: the host's target as last read, in units of 4096 bytes; the worker's
 * @actual: the size as last written to the device, in units of 4096 bytes; the worker's
 * @pace: how patiently the guest is asked for more; the worker's
 * @said: the trouble that the log has last been told of; the worker's
 */
struct resize {
	struct virtio_device *device;
	struct hold *hold;
	struct tell *tell;
	struct workqueue_struct *workqueue;
	struct delayed_work work;
	spinlock_t lock;	/* see above */
	enum resize_state state;
	u64 not_before;
	enum resize_state pause;
	u32 target;
	u32 actual;
	struct pace pace;
	enum resize_state said;
};

void resize_prepare(struct resize *resize, struct virtio_device *device, struct hold *hold,
		    struct tell *tell, struct workqueue_struct *workqueue);
void resize_start(struct resize *resize);
void resize_stop(struct resize *resize);
void resize_wake(struct resize *resize);
void resize_hold_off(struct resize *resize);
void resize_give_back(struct resize *resize);
void resize_free_all(struct resize *resize);

#endif
