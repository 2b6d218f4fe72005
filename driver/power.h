/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_POWER_H
#define AEROSTAT_POWER_H

#include <linux/notifier.h>

struct report;
struct virtio_device;

/**
 * struct power - what the balloon does when the system sleeps or goes down
 * @device: the device; fixed
 * @report: free memory that the host is told of; fixed
 * @stop: lets go of the device; fixed
 * @runs: says whether the device is in use; fixed
 * @reboot: our place among those who hear that the system goes down; fixed
 * @sleep: our place among those who hear that it is about to sleep; fixed
 * @asleep_early: the device was left before the system's sleep came to it; the sleep's
 */
struct power {
	struct virtio_device *device;
	struct report *report;
	void (*stop)(struct power *power);
	bool (*runs)(struct power *power);
	struct notifier_block reboot;
	struct notifier_block sleep;
	bool asleep_early;
};

void power_prepare(struct power *power, struct virtio_device *device, struct report *report);
int power_start(struct power *power);
void power_stop(struct power *power);

#endif
