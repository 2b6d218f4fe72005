// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system goes down or to sleep.
 *
 * The rule: before a reboot the device hears that the balloon is empty. Before the system
 * freezes its workers no report of free memory is under way, for a worker that waits for a
 * silent device would keep the system awake: such a device is left early.
 */
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <linux/virtio.h>

#include "power.h"
#include "report.h"

static int power_reboots(struct notifier_block *notifier, unsigned long event, void *unused)
{
	struct power *power = container_of(notifier, struct power, reboot);

	power->stop(power);
	return NOTIFY_DONE;
}

#ifdef CONFIG_PM_SLEEP
static void power_falls_asleep(struct power *power)
{
	power->asleep_early = !report_pause(power->report);
	if (power->asleep_early)
		virtio_device_freeze(power->device);
}

/* Does nothing that the device's own way back from sleep has done. */
static void power_wakes_up(struct power *power)
{
	int error = 0;

	if (power->asleep_early && !power->runs(power))
		error = virtio_device_restore(power->device);
	if (error)
		dev_err(&power->device->dev, "the balloon is out of use after the system's sleep (error %d): load the driver anew\n",
			error);
	power->asleep_early = false;
	report_resume(power->report);
}

static int power_sleeps(struct notifier_block *notifier, unsigned long event, void *unused)
{
	struct power *power = container_of(notifier, struct power, sleep);

	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		power_falls_asleep(power);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		power_wakes_up(power);
		break;
	}
	return NOTIFY_DONE;
}
#else
static int power_sleeps(struct notifier_block *notifier, unsigned long event, void *unused)
{
	return NOTIFY_DONE;
}
#endif

/**
 * power_prepare - say what sleep and reboot are about
 * @power: what the balloon does then
 * @device: the device
 * @report: free memory that the host is told of
 *
 * Does not sleep.
 */
void power_prepare(struct power *power, struct virtio_device *device, struct report *report)
{
	power->device = device;
	power->report = report;
	power->reboot.notifier_call = power_reboots;
	power->sleep.notifier_call = power_sleeps;
}

/**
 * power_start - hear from now on when the system sleeps or goes down
 * @power: what the balloon does then; prepared, its @stop and @runs set
 *
 * May sleep.
 *
 * Return: 0 or an error of the kernel's, with nothing left registered.
 */
int power_start(struct power *power)
{
	int error;

	error = register_reboot_notifier(&power->reboot);
	if (error)
		return error;
	error = register_pm_notifier(&power->sleep);
	if (error)
		unregister_reboot_notifier(&power->reboot);
	return error;
}

/**
 * power_stop - hear no more
 * @power: what the balloon does then; started
 *
 * Sleeps until a call that is under way is over.
 */
void power_stop(struct power *power)
{
	unregister_pm_notifier(&power->sleep);
	unregister_reboot_notifier(&power->reboot);
}
