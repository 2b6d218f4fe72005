/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_RESIZE_H
#define AEROSTAT_RESIZE_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "notice.h"
#include "pace.h"

struct hold;
struct need;
struct tell;
struct virtio_device;

/**
 * struct resize - the worker that brings the balloon to the target
 * @device: the device; fixed
 * @hold: what the balloon holds; fixed
 * @tell: what the device is told; fixed
 * @need: the guest's need, which comes first; fixed
 * @workqueue: where @work runs; freezable; fixed
 * @work: one step; the worker
 * @lock: guards @state and @since
 * @state: what the worker is at; read without @lock as well
 * @since: since when, as time after boot
 * @not_before: when the guest is asked for more, in jiffies of 64 bits; the worker's
 * @pause: what the worker is at until then; the worker's
 * @unread: the device has changed its configuration since; any context
 * @read: when the target was last read, in jiffies of 64 bits; the worker's
 * @target: the host's target as last read, in units of 4096 bytes; the worker's, read by any
 * @actual: the size as last written to the device, in units of 4096 bytes; likewise
 * @shown: when it was last looked at, in jiffies of 64 bits; the worker's
 * @pace: how patiently the guest is asked for more; the worker's
 * @notice: what the log says about it; the worker's
 */
struct resize {
	struct virtio_device *device;
	struct hold *hold;
	struct tell *tell;
	struct need *need;
	struct workqueue_struct *workqueue;
	struct delayed_work work;
	spinlock_t lock;	/* see above */
	enum resize_state state;
	ktime_t since;
	u64 not_before;
	enum resize_state pause;
	atomic_t unread;
	u64 read;
	u32 target;
	u32 actual;
	u64 shown;
	struct pace pace;
	struct notice notice;
};

void resize_prepare(struct resize *resize, struct virtio_device *device, struct hold *hold,
		    struct tell *tell, struct need *need, struct workqueue_struct *workqueue);
void resize_say_empty(struct resize *resize);
void resize_start(struct resize *resize);
void resize_stop(struct resize *resize);
const char *resize_state_name(struct resize *resize);
ktime_t resize_state_since(struct resize *resize);
void resize_target_changed(struct resize *resize);
void resize_wake(struct resize *resize);

#endif
