// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Aerostat, the virtio memory balloon: what starts, in which order, and how it unwinds.
 *
 * The rule: all that can fail comes before the device is told that the driver is ready.
 * Stopping never depends on the device: what it can still be told it is told, then it is
 * reset, and from then on every page is the guest's.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "balloon.h"
#include "compat.h"
#include "empty.h"
#include "feature.h"
#include "sysfs.h"
#include "version.h"

static int balloon_start(struct balloon *balloon)
{
	int error = 0;

	mutex_lock(&balloon->lock);
	if (balloon->state == BALLOON_LEFT)
		error = -ESHUTDOWN;
	if (balloon->state != BALLOON_STOPPED)
		goto unlock;
	error = offline_start(&balloon->offline);
	if (error)
		goto unlock;
	if (balloon_deflates_on_oom(balloon))
		error = pressure_start(&balloon->pressure, &balloon->tell, &balloon->need,
				       &balloon->resize);
	if (error)
		goto stop_offline;
	error = balloon_open_queues(balloon);
	if (error)
		goto stop_pressure;

	feature_write_poison(balloon->device);
	virtio_device_ready(balloon->device);
	statistics_start(&balloon->statistics);
	report_start(&balloon->report);
	hint_start(&balloon->hint);
	resize_start(&balloon->resize);
	WRITE_ONCE(balloon->state, BALLOON_RUNNING);
	goto unlock;

stop_pressure:
	if (balloon_deflates_on_oom(balloon))
		pressure_stop(&balloon->pressure);
stop_offline:
	offline_stop(&balloon->offline);
unlock:
	mutex_unlock(&balloon->lock);
	return error;
}

/* A device that was pulled out reads as all ones, and never as reset. */
static void balloon_reset(struct virtio_device *device)
{
	if (device->config->get_status(device) != U8_MAX)
		virtio_reset_device(device);
}

static void balloon_stop(struct balloon *balloon, enum balloon_state state)
{
	bool running;

	mutex_lock(&balloon->lock);
	running = balloon->state == BALLOON_RUNNING;
	if (balloon->state != BALLOON_LEFT)
		WRITE_ONCE(balloon->state, state);
	if (!running)
		goto unlock;
	if (balloon_deflates_on_oom(balloon))
		pressure_stop(&balloon->pressure);
	offline_stop(&balloon->offline);
	resize_stop(&balloon->resize);
	hint_stop(&balloon->hint);
	empty_to_device(&balloon->tell);
	step_say_empty(&balloon->resize.step);
	report_close(&balloon->report);
	statistics_stop(&balloon->statistics);
	tell_close(&balloon->tell);

	balloon_reset(balloon->device);
	balloon_forget(balloon);
	balloon->device->config->del_vqs(balloon->device);
unlock:
	mutex_unlock(&balloon->lock);
}

static void balloon_leave(struct power *power)
{
	balloon_stop(container_of(power, struct balloon, power), BALLOON_LEFT);
}

static bool balloon_runs(struct power *power)
{
	return READ_ONCE(container_of(power, struct balloon, power)->state) == BALLOON_RUNNING;
}

static int balloon_probe(struct virtio_device *device)
{
	struct balloon *balloon;
	int error;

	balloon = kzalloc_obj(*balloon);
	if (!balloon)
		return -ENOMEM;
	error = balloon_prepare(balloon, device);
	if (error)
		goto free;
	balloon->power.stop = balloon_leave;
	balloon->power.runs = balloon_runs;
	error = power_start(&balloon->power);
	if (error)
		goto free_prepared;
	error = balloon_start(balloon);
	if (error)
		goto stop_power;
	dev_info(&device->dev, "Aerostat %s: memory balloon ready, memory goes to the host by %s\n",
		 AEROSTAT_VERSION, tell_way_name(&balloon->tell));
	return 0;

stop_power:
	power_stop(&balloon->power);
free_prepared:
	balloon_free(balloon);
free:
	kfree(balloon);
	return error;
}

static void balloon_remove(struct virtio_device *device)
{
	struct balloon *balloon = device->priv;

	power_stop(&balloon->power);
	balloon_stop(balloon, BALLOON_STOPPED);
	balloon_reset(device);
	balloon_free(balloon);
	kfree(balloon);
}

static void balloon_config_changed(struct virtio_device *device)
{
	struct balloon *balloon = device->priv;

	resize_target_changed(&balloon->resize);
	hint_wake(&balloon->hint);
}

static int __maybe_unused balloon_freeze(struct virtio_device *device)
{
	balloon_stop(device->priv, BALLOON_STOPPED);
	return 0;
}

static int __maybe_unused balloon_restore(struct virtio_device *device)
{
	return balloon_start(device->priv);
}

static const unsigned int balloon_features[] = {
	VIRTIO_BALLOON_F_MUST_TELL_HOST,
	VIRTIO_BALLOON_F_STATS_VQ,
	VIRTIO_BALLOON_F_DEFLATE_ON_OOM,
	VIRTIO_BALLOON_F_FREE_PAGE_HINT,
	VIRTIO_BALLOON_F_PAGE_POISON,
	VIRTIO_BALLOON_F_REPORTING,
};

static const struct virtio_device_id balloon_ids[] = {
	{ VIRTIO_ID_BALLOON, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, balloon_ids);

static struct virtio_driver balloon_driver = {
	.feature_table = balloon_features,
	.feature_table_size = ARRAY_SIZE(balloon_features),
	.driver.name = KBUILD_MODNAME,
	.driver.dev_groups = sysfs_groups,
	.id_table = balloon_ids,
	.validate = feature_validate,
	.probe = balloon_probe,
	.remove = balloon_remove,
	.config_changed = balloon_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = balloon_freeze,
	.restore = balloon_restore,
#endif
	COMPAT_RESET(balloon_freeze, balloon_restore)
	COMPAT_OWNER
};

module_virtio_driver(balloon_driver);

MODULE_DESCRIPTION("Aerostat, the virtio memory balloon");
MODULE_AUTHOR("The Aerostat developers");
MODULE_VERSION(AEROSTAT_VERSION);
MODULE_LICENSE("GPL");
