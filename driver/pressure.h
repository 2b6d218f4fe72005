/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_PRESSURE_H
#define AEROSTAT_PRESSURE_H

#include <linux/notifier.h>

struct need;
struct resize;
struct tell;

/**
 * struct pressure - giving memory back to a guest that has none left
 * @notifier: our place among those whom the kernel asks; fixed while started
 * @tell: what the device is told; fixed
 * @need: the guest's need, of which the worker has to know; fixed
 * @resize: the worker, which tells the device the size; fixed
 */
struct pressure {
	struct notifier_block notifier;
	struct tell *tell;
	struct need *need;
	struct resize *resize;
};

int pressure_start(struct pressure *pressure, struct tell *tell, struct need *need,
		   struct resize *resize);
void pressure_stop(struct pressure *pressure);

#endif
