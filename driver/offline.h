/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_OFFLINE_H
#define AEROSTAT_OFFLINE_H

#include <linux/notifier.h>

struct hint;
struct resize;
struct tell;

/**
 * struct offline - giving back memory that is to be taken offline
 * @notifier: our place among those whom the kernel asks to vacate it; fixed
 * @tell: what the device is told; fixed
 * @hint: free memory that a migration need not copy; fixed
 * @resize: the worker, which makes up for it elsewhere; fixed
 */
struct offline {
	struct notifier_block notifier;
	struct tell *tell;
	struct hint *hint;
	struct resize *resize;
};

void offline_prepare(struct offline *offline, struct tell *tell, struct hint *hint,
		     struct resize *resize);
int offline_start(struct offline *offline);
void offline_stop(struct offline *offline);

#endif
