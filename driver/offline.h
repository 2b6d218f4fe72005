/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_OFFLINE_H
#define AEROSTAT_OFFLINE_H

#include <linux/notifier.h>

struct hint;

/**
 * struct offline - giving back memory that is to be taken offline
 * @notifier: our place among those whom the kernel asks to vacate it; fixed
 * @hint: free memory that a migration need not copy; fixed
 */
struct offline {
	struct notifier_block notifier;
	struct hint *hint;
};

int offline_start(struct offline *offline, struct hint *hint);
void offline_stop(struct offline *offline);

#endif
