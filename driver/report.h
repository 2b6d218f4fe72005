/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_REPORT_H
#define AEROSTAT_REPORT_H

#include <linux/atomic.h>
#include <linux/page_reporting.h>

#include "queue.h"

struct tally;
struct virtio_device;

/* Whether the kernel may report free memory. */
enum report_state {
	REPORT_STOPPED,
	REPORT_RUNNING,
	REPORT_PAUSED,		/* the system is about to sleep */
};

/**
 * struct report - free memory that the host is told of as it is
 * @device: the device; fixed
 * @tally: what has happened so far; fixed
 * @queue: the reporting queue, for the kernel's reports and for the balloon; a lock of its
 *	own
 * @kernel: our place with the kernel, which finds the free memory
 * @state: whether it may be reported; start and stop write it under the balloon's lock,
 *	pause and resume without, and only from what they expect: a device that comes
 *	while the system falls asleep is not paused, and keeps it awake if it is silent
 * @unanswered: requests of the report under way that the device has not yet answered, and
 *	the report itself while it posts them
 * @since: when the report under way began, in jiffies; its own
 * @mib: how much memory it keeps out of use, in MiB; its own
 * @silent: the log has been told that the device does not answer; the report's under way
 */
struct report {
	struct virtio_device *device;
	struct tally *tally;
	struct queue queue;
	struct page_reporting_dev_info kernel;
	enum report_state state;
	atomic_t unanswered;
	unsigned long since;
	unsigned long mib;
	bool silent;
};

int report_prepare(struct report *report, struct virtio_device *device, struct tally *tally,
		   void (*on_answer)(struct queue *queue));
void report_free(struct report *report);
void report_start(struct report *report);
bool report_pause(struct report *report);
void report_resume(struct report *report);
void report_close(struct report *report);
void report_stop(struct report *report);

#endif
