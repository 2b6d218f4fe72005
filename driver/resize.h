/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_RESIZE_H
#define AEROSTAT_RESIZE_H

#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "notice.h"
#include "step.h"

struct hold;
struct need;
struct tell;
struct virtio_device;

/**
 * struct resize - the worker that brings the balloon to the target
 * @step: what one step decides; the worker's
 * @workqueue: where @work runs; freezable; fixed
 * @work: one step; the worker
 * @lock: guards @state and @since
 * @state: what the worker is at; read without @lock as well
 * @since: since when, as time after boot
 * @shown: when the size was last shown to the device, in jiffies of 64 bits; the worker's
 * @notice: what the log says about it; the worker's
 */
struct resize {
	struct step step;
	struct workqueue_struct *workqueue;
	struct delayed_work work;
	spinlock_t lock;	/* see above */
	enum resize_state state;
	ktime_t since;
	u64 shown;
	struct notice notice;
};

void resize_prepare(struct resize *resize, struct virtio_device *device, struct hold *hold,
		    struct tell *tell, struct need *need, struct workqueue_struct *workqueue);
void resize_start(struct resize *resize);
void resize_stop(struct resize *resize);
const char *resize_state_name(struct resize *resize);
ktime_t resize_state_since(struct resize *resize);
void resize_target_changed(struct resize *resize);
void resize_wake(struct resize *resize);

#endif
