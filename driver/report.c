// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Free memory that the host is told of as it is, without a balloon.
 *
 * The rule: the kernel isolates free memory, and it stays isolated until the device has
 * answered or was reset (R3), for nobody else can keep it out of use. So the wait ends
 * with an answer or with the guest's own reset of the device, which removal, sleep and
 * reboot bring about. Nothing is allocated on the way. Requests are told apart by the
 * queue: an answer belongs to the one that it answers, whoever looks.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/virtio_config.h>

#include "await.h"
#include "compat.h"
#include "notify.h"
#include "report.h"
#include "tally.h"
#include "trace.h"

#define REPORT_REQUESTS 8

/* The smallest range that the kernel is asked for: what hosts have as a huge page. */
#define REPORT_ORDER get_order(SZ_2M)

/* When a device is called silent, how often it is looked at then; in jiffies. */
#define REPORT_ANSWER_TIME (5 * HZ)
#define REPORT_LOOK_AGAIN (HZ / 2 ?: 1)

/* How long the system's sleep waits for an answer, in jiffies. */
#define REPORT_LEAVE_TIME HZ

static struct report *report_of(struct page_reporting_dev_info *kernel)
{
	return container_of(kernel, struct report, kernel);
}

static bool report_is_answered(void *report)
{
	/* The memory is the kernel's again: pairs with report_settle(). */
	return !atomic_read_acquire(&((struct report *)report)->unanswered);
}

static bool report_has_room(void *report)
{
	return queue_room(&((struct report *)report)->queue, 0);
}

static void report_settle(struct request *request)
{
	struct report *report = request->owner;

	/* The answer was seen before: pairs with report_is_answered(). */
	atomic_dec_return_release(&report->unanswered);
}

static u64 report_bytes(const struct scatterlist *ranges, unsigned int count)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		bytes += ranges[i].length;
	return bytes;
}

static unsigned int report_fill(struct report *report, struct request *request,
				struct scatterlist *ranges, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!queue_name(&report->queue, request, sg_page(&ranges[i]), ranges[i].length))
			break;
	return i;
}

static void report_note_silence(struct report *report)
{
	if (report->silent || time_before(jiffies, report->since + REPORT_ANSWER_TIME))
		return;
	report->silent = true;
	dev_warn(&report->device->dev, "the device does not answer a report of free memory: %lu MiB stay out of use until it does; look at the host\n",
		 report->mib);
}

static void report_note_answer(struct report *report)
{
	if (report->silent && queue_works(&report->queue))
		dev_info(&report->device->dev, "the device answers reports of free memory again\n");
	report->silent = false;
}

static bool report_may_post(struct report *report)
{
	return READ_ONCE(report->state) == REPORT_RUNNING && queue_works(&report->queue);
}

/* While it posts, the report counts as one itself. */
static bool report_owes_answers(struct report *report)
{
	return atomic_read(&report->unanswered) > 1;
}

/* What the device was not told of does not wait for it: others may fill the ring. */
static struct request *report_take(struct report *report)
{
	unsigned long limit = jiffies + REPORT_ANSWER_TIME;
	struct queue *queue = &report->queue;
	struct request *request = queue_take(queue, 0);

	while (!request && report_may_post(report)) {
		notify_device(queue);
		await(queue, report_has_room, report, jiffies + REPORT_LOOK_AGAIN);
		if (report_owes_answers(report))
			report_note_silence(report);
		else if (time_before(jiffies, limit))
			report->since = jiffies;
		else
			break;
		request = queue_take(queue, 0);
	}
	return request;
}

/* Returns how many ranges the device was told of, 0 if it can't be. */
static unsigned int report_post(struct report *report, struct scatterlist *ranges,
				unsigned int count)
{
	struct request *request = report_take(report);
	unsigned int told;

	if (!request)
		return 0;
	request->owner = report;
	request->settle = report_settle;
	told = report_fill(report, request, ranges, count);
	atomic_inc(&report->unanswered);
	if (!queue_post(&report->queue, request))
		return told;
	atomic_dec(&report->unanswered);
	queue_put(&report->queue, request);
	return 0;
}

/* With the queue closed or broken, only the reset can be the answer. */
static void report_await(struct report *report)
{
	struct queue *queue = &report->queue;

	while (await(queue, report_is_answered, report, jiffies + REPORT_LOOK_AGAIN)) {
		if (!queue_works(queue))
			wait_event_idle_timeout(queue->changed, report_is_answered(report),
						REPORT_LOOK_AGAIN);
		report_note_silence(report);
	}
	report_note_answer(report);
}

/* Called by the kernel, in one work item, with memory that it has isolated. */
static int report_memory(struct page_reporting_dev_info *kernel, struct scatterlist *ranges,
			 unsigned int count)
{
	struct report *report = report_of(kernel);
	unsigned int told = 0, more = 1;
	ktime_t begin = ktime_get();
	u64 bytes;

	report->since = jiffies;
	report->mib = report_bytes(ranges, count) >> 20;
	atomic_inc(&report->unanswered);
	/* Counted before it looks whether it may run: pairs with report_pause(). */
	smp_mb__after_atomic();
	while (more && told < count && report_may_post(report)) {
		more = report_post(report, ranges + told, count - told);
		told += more;
	}
	notify_device(&report->queue);
	atomic_dec(&report->unanswered);
	report_await(report);
	bytes = report_bytes(ranges, told);
	tally_add(report->tally, TALLY_REPORTED, bytes >> PAGE_SHIFT);
	trace_aerostat_report(report->device, report_bytes(ranges, count), bytes, begin);
	return told < count ? -EBUSY : 0;
}

/**
 * report_prepare - allocate all that reporting will need
 * @report: free memory that the host is told of
 * @device: the device, its features negotiated
 * @tally: what has happened so far
 * @on_answer: called under the queue's lock after an answer, to whomever
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int report_prepare(struct report *report, struct virtio_device *device, struct tally *tally,
		   void (*on_answer)(struct queue *queue))
{
	struct request_shape shape = { REPORT_REQUESTS, 0, PAGE_REPORTING_CAPACITY };

	report->device = device;
	report->tally = tally;
	return queue_prepare(&report->queue, shape, on_answer);
}

/**
 * report_free - free what report_prepare() allocated
 * @report: free memory that the host is told of; stopped
 *
 * May sleep.
 */
void report_free(struct report *report)
{
	queue_free(&report->queue);
}

/**
 * report_start - let the kernel report free memory
 * @report: free memory that the host is told of; the device ready, which is rule R4
 *
 * May sleep. Does nothing if REPORTING was not negotiated. Keeps rule R5: no small ranges.
 */
void report_start(struct report *report)
{
	int error;

	if (!virtio_has_feature(report->device, VIRTIO_BALLOON_F_REPORTING))
		return;
	memset(&report->kernel, 0, sizeof(report->kernel));
	report->kernel.report = report_memory;
	report->kernel.order = REPORT_ORDER;
	report->silent = false;
	WRITE_ONCE(report->state, REPORT_RUNNING);
	error = page_reporting_register(&report->kernel);
	if (!error)
		return;
	WRITE_ONCE(report->state, REPORT_STOPPED);
	dev_info(&report->device->dev, "free memory is not reported to the host: %s\n",
		 error == -EBUSY ? "another device reports it" : "this kernel can't");
}

/**
 * report_pause - begin no further report, for the system is about to sleep
 * @report: free memory that the host is told of
 *
 * Sleeps until the report under way is answered, REPORT_LEAVE_TIME at most.
 *
 * Return: false if it is not answered: then only a reset of the device ends it.
 */
bool report_pause(struct report *report)
{
	/* A report that does not see this is counted by now: see report_memory(). */
	if (cmpxchg(&report->state, REPORT_RUNNING, REPORT_PAUSED) != REPORT_RUNNING)
		return true;
	return !await(&report->queue, report_is_answered, report, jiffies + REPORT_LEAVE_TIME);
}

/**
 * report_resume - the system did not go to sleep after all
 * @report: free memory that the host is told of
 *
 * Does not sleep.
 */
void report_resume(struct report *report)
{
	cmpxchg(&report->state, REPORT_PAUSED, REPORT_RUNNING);
}

/**
 * report_close - tell the device of no more free memory
 * @report: free memory that the host is told of; closing a closed one does nothing
 *
 * May sleep, for as long as a notification takes. What the device was told stays out of
 * use until it is reset: then call queue_forget() and report_stop().
 */
void report_close(struct report *report)
{
	queue_close(&report->queue);
}

/**
 * report_stop - the kernel reports no more
 * @report: free memory that the host is told of; closed, and its queue forgotten
 *
 * Sleeps until the report under way has ended, which the device can't delay any more.
 */
void report_stop(struct report *report)
{
	if (xchg(&report->state, REPORT_STOPPED) == REPORT_STOPPED)
		return;
	page_reporting_unregister(&report->kernel);
}
