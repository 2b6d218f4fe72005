/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_STEP_H
#define AEROSTAT_STEP_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "notice.h"
#include "pace.h"

struct hold;
struct need;
struct tell;
struct virtio_device;

/**
 * struct step - how the balloon moves towards the target
 * @device: the device; fixed
 * @hold: what the balloon holds; fixed
 * @tell: what the device is told; fixed
 * @need: the guest's need, which comes first; fixed
 * @state: what came of the last step; the worker's
 * @not_before: when the guest is asked for more, in jiffies of 64 bits; the worker's
 * @pause: what the worker is at until then; the worker's
 * @unread: the device has changed its configuration since; any context
 * @read: when the target was last read, in jiffies of 64 bits; the worker's
 * @target: the host's target as last read, in units of 4096 bytes; the worker's, read by any
 * @actual: the size as last written to the device, in units of 4096 bytes; likewise
 * @pace: how patiently the guest is asked for more; the worker's
 */
struct step {
	struct virtio_device *device;
	struct hold *hold;
	struct tell *tell;
	struct need *need;
	enum resize_state state;
	u64 not_before;
	enum resize_state pause;
	atomic_t unread;
	u64 read;
	u32 target;
	u32 actual;
	struct pace pace;
};

void step_prepare(struct step *step, struct virtio_device *device, struct hold *hold,
		  struct tell *tell, struct need *need);
void step_say_empty(struct step *step);
void step_start(struct step *step);
void step_target_changed(struct step *step);
unsigned long step_target_pages(struct step *step);
void step_write_actual(struct step *step);
bool step_is_paused(struct step *step);
enum resize_state step_go(struct step *step);
long step_wait(struct step *step);

#endif
