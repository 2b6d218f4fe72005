/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_STATISTICS_H
#define AEROSTAT_STATISTICS_H

#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "encode.h"
#include "queue.h"

#define STATISTICS_MAX 16

struct virtio_device;

/**
 * struct statistics - the figures that the host asks for
 * @device: the device; fixed
 * @queue: the statistics queue, with its one request; a lock of its own
 * @work: answers the host; runs on @workqueue, one at a time
 * @workqueue: where; freezable; fixed
 * @events: the kernel's counters as last read, in the kernel's units; whose the one
 *	request is: @work's, or whoever starts
 * @list: the figures as last read; likewise
 */
struct statistics {
	struct virtio_device *device;
	struct queue queue;
	struct work_struct work;
	struct workqueue_struct *workqueue;
	unsigned long events[NR_VM_EVENT_ITEMS];
	struct statistic list[STATISTICS_MAX];
};

int statistics_prepare(struct statistics *statistics, struct virtio_device *device,
		       struct workqueue_struct *workqueue);
void statistics_free(struct statistics *statistics);
void statistics_start(struct statistics *statistics);
void statistics_stop(struct statistics *statistics);

#endif
