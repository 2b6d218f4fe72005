// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One balloon: all rooms of one device, and how they are linked.
 *
 * The rule: everything is allocated before the first page moves, and stays until the
 * device is gone; suspending and resuming only closes and opens queues.
 */
#include <linux/slab.h>
#include <linux/virtio_config.h>

#include "balloon.h"
#include "compat.h"
#include "empty.h"

#define QUEUES_MAX 5

/**
 * balloon_deflates_on_oom - whether the guest may take memory back when it needs it
 * @balloon: all rooms; prepared
 *
 * Does not sleep.
 *
 * Return: true if DEFLATE_ON_OOM was negotiated.
 */
bool balloon_deflates_on_oom(struct balloon *balloon)
{
	return virtio_has_feature(balloon->device, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
}

static struct balloon *balloon_of(struct virtqueue *virtqueue)
{
	return virtqueue->vdev->priv;
}

static void balloon_inflate_callback(struct virtqueue *virtqueue)
{
	queue_look(&balloon_of(virtqueue)->tell.inflate);
}

static void balloon_deflate_callback(struct virtqueue *virtqueue)
{
	queue_look(&balloon_of(virtqueue)->tell.deflate);
}

static void balloon_statistics_callback(struct virtqueue *virtqueue)
{
	queue_look(&balloon_of(virtqueue)->statistics.queue);
}

static void balloon_hint_callback(struct virtqueue *virtqueue)
{
	queue_look(&balloon_of(virtqueue)->hint.queue);
}

static void balloon_report_callback(struct virtqueue *virtqueue)
{
	queue_look(&balloon_of(virtqueue)->report.queue);
}

static void balloon_on_inflate_answer(struct queue *queue)
{
	resize_wake(&container_of(queue, struct balloon, tell.inflate)->resize);
}

static void balloon_on_deflate_answer(struct queue *queue)
{
	resize_wake(&container_of(queue, struct balloon, tell.deflate)->resize);
}

static void balloon_on_report_answer(struct queue *queue)
{
	struct balloon *balloon = container_of(queue, struct balloon, report.queue);

	if (balloon->tell.way == TELL_BY_RANGES)
		resize_wake(&balloon->resize);
}

/**
 * balloon_prepare - allocate all that the balloon will ever need, and link its rooms
 * @balloon: all rooms, zeroed
 * @device: the device, its features negotiated
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int balloon_prepare(struct balloon *balloon, struct virtio_device *device)
{
	int error = -ENOMEM;

	mutex_init(&balloon->lock);
	balloon->device = device;
	device->priv = balloon;
	balloon->workqueue = alloc_workqueue("%s_balloon", WQ_FREEZABLE | WQ_MEM_RECLAIM |
					     WQ_UNBOUND, 0, dev_name(&device->dev));
	if (!balloon->workqueue)
		return error;
	error = tell_prepare(&balloon->tell, device, &balloon->hold, &balloon->report.queue,
			     balloon_on_inflate_answer, balloon_on_deflate_answer);
	if (error)
		goto destroy_workqueue;
	error = statistics_prepare(&balloon->statistics, device, balloon->workqueue);
	if (error)
		goto free_tell;
	error = report_prepare(&balloon->report, device, &balloon->tally,
			       balloon_on_report_answer);
	if (error)
		goto free_statistics;
	error = hint_prepare(&balloon->hint, device, &balloon->tally, balloon->workqueue);
	if (error)
		goto free_report;

	hold_prepare(&balloon->hold, &balloon->tally, !balloon_deflates_on_oom(balloon));
	migrate_prepare(&balloon->migrate, &balloon->tell, &balloon->hold);
	need_prepare(&balloon->need, device, &balloon->hold);
	resize_prepare(&balloon->resize, device, &balloon->hold, &balloon->tell,
		       &balloon->need, balloon->workqueue);
	offline_prepare(&balloon->offline, &balloon->tell, &balloon->hint, &balloon->resize);
	power_prepare(&balloon->power, device, &balloon->report);
	return 0;

free_report:
	report_free(&balloon->report);
free_statistics:
	statistics_free(&balloon->statistics);
free_tell:
	tell_free(&balloon->tell);
destroy_workqueue:
	destroy_workqueue(balloon->workqueue);
	return error;
}

/**
 * balloon_free - free what balloon_prepare() allocated
 * @balloon: all rooms; stopped
 *
 * May sleep.
 */
void balloon_free(struct balloon *balloon)
{
	hint_free(&balloon->hint);
	report_free(&balloon->report);
	statistics_free(&balloon->statistics);
	tell_free(&balloon->tell);
	destroy_workqueue(balloon->workqueue);
}

/* The queues that a device has, in its own order and without gaps. */
struct balloon_queues {
	struct queue *queues[QUEUES_MAX];
	struct virtqueue_info infos[QUEUES_MAX];
	unsigned int count;
};

static void balloon_add_queue(struct balloon_queues *list, struct queue *queue, const char *name,
			      vq_callback_t *callback)
{
	list->queues[list->count] = queue;
	list->infos[list->count++] = (struct virtqueue_info) { name, callback };
}

static void balloon_list_queues(struct balloon *balloon, struct balloon_queues *list)
{
	struct virtio_device *device = balloon->device;

	balloon_add_queue(list, &balloon->tell.inflate, "inflate", balloon_inflate_callback);
	balloon_add_queue(list, &balloon->tell.deflate, "deflate", balloon_deflate_callback);
	if (virtio_has_feature(device, VIRTIO_BALLOON_F_STATS_VQ))
		balloon_add_queue(list, &balloon->statistics.queue, "statistics",
				  balloon_statistics_callback);
	if (virtio_has_feature(device, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		balloon_add_queue(list, &balloon->hint.queue, "hint", balloon_hint_callback);
	if (virtio_has_feature(device, VIRTIO_BALLOON_F_REPORTING))
		balloon_add_queue(list, &balloon->report.queue, "report", balloon_report_callback);
}

/**
 * balloon_open_queues - find the device's queues and open them
 * @balloon: all rooms; prepared
 *
 * May sleep. Nothing is sent yet. Queues that the device does not have are not asked for: Linux
 * 6.12 loses count when it lets go of the others on PCI.
 *
 * Return: 0 or the transport's error, with nothing open.
 */
int balloon_open_queues(struct balloon *balloon)
{
	struct virtqueue *virtqueues[QUEUES_MAX];
	struct balloon_queues list = {};
	unsigned int i;
	int error;

	balloon_list_queues(balloon, &list);
	error = virtio_find_vqs(balloon->device, list.count, virtqueues, list.infos, NULL);
	if (error)
		return error;
	for (i = 0; i < list.count; i++)
		queue_open(list.queues[i], virtqueues[i]);
	return 0;
}

/**
 * balloon_forget - the device was reset: make every page the guest's
 * @balloon: all rooms; the queues closed, the worker stopped
 *
 * Sleeps until compaction has let go of what it was moving. The device is not touched.
 */
void balloon_forget(struct balloon *balloon)
{
	tell_forget(&balloon->tell);
	queue_forget(&balloon->statistics.queue);
	queue_forget(&balloon->report.queue);
	report_stop(&balloon->report);
	hint_forget(&balloon->hint);
	empty_without_device(&balloon->hold);
	migrate_forget(&balloon->migrate);
}
