/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_BALLOON_H
#define AEROSTAT_BALLOON_H

#include <linux/mutex.h>

#include "hint.h"
#include "hold.h"
#include "migrate.h"
#include "need.h"
#include "offline.h"
#include "power.h"
#include "pressure.h"
#include "report.h"
#include "resize.h"
#include "statistics.h"
#include "tally.h"
#include "tell.h"

/* What was left because the system goes down stays so. */
enum balloon_state { BALLOON_STOPPED, BALLOON_RUNNING, BALLOON_LEFT };

/**
 * struct balloon - all rooms of one device
 * @device: the device; fixed
 * @workqueue: where the worker, the statistics and hinting run; fixed
 * @lock: guards @state, and keeps a reboot apart from all else that starts and stops
 * @state: whether the device is in use
 * @tally: what has happened so far
 * @hold: what the balloon holds
 * @tell: what the device is told
 * @migrate: base pages that compaction moves
 * @statistics: the figures that the host asks for
 * @report: free memory that the host is told of as it is
 * @hint: free memory that a migration need not copy
 * @need: what a guest that was short of memory needs
 * @resize: the worker
 * @pressure: giving memory back to a guest that has none left
 * @offline: giving back memory that is to be taken offline
 * @power: what happens when the system sleeps or goes down
 */
struct balloon {
	struct virtio_device *device;
	struct workqueue_struct *workqueue;
	struct mutex lock;	/* see above */
	enum balloon_state state;
	struct tally tally;
	struct hold hold;
	struct tell tell;
	struct migrate migrate;
	struct statistics statistics;
	struct report report;
	struct hint hint;
	struct need need;
	struct resize resize;
	struct pressure pressure;
	struct offline offline;
	struct power power;
};

int balloon_prepare(struct balloon *balloon, struct virtio_device *device);
void balloon_free(struct balloon *balloon);
int balloon_open_queues(struct balloon *balloon);
void balloon_forget(struct balloon *balloon);
bool balloon_deflates_on_oom(struct balloon *balloon);

#endif
