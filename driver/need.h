/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_NEED_H
#define AEROSTAT_NEED_H

#include <linux/spinlock.h>

#include "relief.h"

struct hold;
struct virtio_device;

/**
 * struct need - a guest that was short of memory
 * @device: the device; fixed
 * @hold: what the balloon holds; fixed
 * @lock: guards @relief
 * @relief: what the guest gets, and until when the balloon does not grow
 */
struct need {
	struct virtio_device *device;
	struct hold *hold;
	spinlock_t lock;	/* see above */
	struct relief relief;
};

void need_prepare(struct need *need, struct virtio_device *device, struct hold *hold);
void need_forget(struct need *need);
unsigned long need_begin(struct need *need, unsigned long first);
unsigned long need_more(struct need *need);
bool need_lasts(struct need *need);
unsigned int need_look(struct need *need, unsigned long missing);

#endif
