/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_NEED_H
#define AEROSTAT_NEED_H

#include <linux/spinlock.h>

#include "relief.h"

struct hold;
struct tell;
struct virtio_device;

/**
 * struct need - a guest that was short of memory
 * @device: the device; fixed
 * @hold: what the balloon holds; fixed
 * @lock: guards what follows
 * @relief: what the guest gets, and until when the balloon does not grow
 * @tallied: how much had ever come back when that was last counted, in base pages
 */
struct need {
	struct virtio_device *device;
	struct hold *hold;
	spinlock_t lock;	/* see above */
	struct relief relief;
	unsigned long tallied;
};

void need_prepare(struct need *need, struct virtio_device *device, struct hold *hold);
void need_forget(struct need *need);
unsigned long need_begin(struct need *need, unsigned long first);
bool need_relieve(struct need *need, struct tell *tell);
unsigned long need_tally(struct need *need, unsigned long returned, unsigned long total);
bool need_lasts(struct need *need);
unsigned int need_look(struct need *need, unsigned long missing);

#endif
