// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device is told about the balloon's memory: in which way, in which queue, and
 * until when its answers are waited for.
 *
 * There are two ways. By frame numbers: 256 in a buffer, in the inflate queue, and again
 * in the deflate queue when the memory comes back. By ranges: as free memory is reported,
 * in the reporting queue, a chain of ranges in one request; such memory comes back without
 * a word. A device is spoken to in one way from start to stop.
 *
 * The rule: every wait for an answer has a limit that the caller names, and whoever waits
 * settles what was answered.
 */
#include <linux/virtio_config.h>

#include "await.h"
#include "compat.h"
#include "feature.h"
#include "hold.h"
#include "tell.h"

/* One batch for the device to work on, and one that is filled meanwhile. */
#define TELL_INFLATE_REQUESTS (2 * TELL_BATCH + TELL_RESERVE_MOVING)
#define TELL_DEFLATE_REQUESTS (2 * TELL_BATCH + TELL_RESERVE_RESCUE)

/**
 * tell_prepare - allocate all that speaking to the device will need
 * @tell: what the device is told
 * @device: the device, its features negotiated
 * @hold: what the balloon holds
 * @report: queue for ranges of memory
 * @on_inflate_answer: called under the inflate queue's lock after an answer
 * @on_deflate_answer: called under the deflate queue's lock after an answer
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int tell_prepare(struct tell *tell, struct virtio_device *device, struct hold *hold,
		 struct queue *report, void (*on_inflate_answer)(struct queue *queue),
		 void (*on_deflate_answer)(struct queue *queue))
{
	const unsigned int bytes = TELL_FRAMES * sizeof(__virtio32);
	struct request_shape inflate = { TELL_INFLATE_REQUESTS, bytes };
	struct request_shape deflate = { TELL_DEFLATE_REQUESTS, bytes };
	int error;

	tell->device = device;
	tell->hold = hold;
	tell->report = report;
	owed_prepare(&tell->owed);
	tell->way = feature_allows_ranges(device) ? TELL_BY_RANGES : TELL_BY_FRAMES;
	tell->must_tell = virtio_has_feature(device, VIRTIO_BALLOON_F_MUST_TELL_HOST);
	error = queue_prepare(&tell->inflate, inflate, on_inflate_answer);
	if (error)
		return error;
	error = queue_prepare(&tell->deflate, deflate, on_deflate_answer);
	if (error)
		queue_free(&tell->inflate);
	return error;
}

/**
 * tell_free - free what tell_prepare() allocated
 * @tell: what the device is told; closed, forgotten
 *
 * May sleep.
 */
void tell_free(struct tell *tell)
{
	queue_free(&tell->deflate);
	queue_free(&tell->inflate);
}

/**
 * tell_close - say no more in frame numbers
 * @tell: what the device is told
 *
 * May sleep, for as long as a notification takes. The reporting queue is its owner's.
 */
void tell_close(struct tell *tell)
{
	queue_close(&tell->inflate);
	queue_close(&tell->deflate);
}

/**
 * tell_forget - the device was reset and knows of no page any more
 * @tell: what the device is told; closed
 *
 * Call it from process context with no spinlock held. Every page that was out with a request
 * of frame numbers is held or the guest's again; the reporting queue is its owner's.
 */
void tell_forget(struct tell *tell)
{
	queue_forget(&tell->inflate);
	queue_forget(&tell->deflate);
	owed_forget(&tell->owed);
}

/**
 * tell_settle - let every answer so far take its effect
 * @tell: what the device is told
 *
 * Call it from process context with no lock held. Looks into the rings, too.
 */
void tell_settle(struct tell *tell)
{
	struct queue *naming = tell_naming_queue(tell);

	queue_look(naming);
	queue_look(&tell->deflate);
	queue_settle(naming);
	queue_settle(&tell->deflate);
}

/**
 * tell_works - whether the device can be told anything
 * @tell: what the device is told
 *
 * Does not sleep.
 *
 * Return: false if the device is broken, or nothing may be said any more.
 */
bool tell_works(struct tell *tell)
{
	return queue_works(tell_naming_queue(tell)) && queue_works(&tell->deflate);
}

/**
 * tell_unanswered - how many requests wait for their answer, or for it to be settled
 * @tell: what the device is told
 *
 * Does not sleep, takes no lock. What else the reporting queue is used for counts too.
 *
 * Return: so many.
 */
unsigned int tell_unanswered(struct tell *tell)
{
	return queue_unanswered(&tell->inflate) + queue_unanswered(&tell->deflate) +
	       queue_unanswered(tell->report);
}

/**
 * tell_is_overdue - whether the device has kept an answer back for long
 * @tell: what the device is told
 * @ms: how long, in ms
 *
 * Does not sleep; looks into the rings. What else the reporting queue is used for counts too.
 *
 * Return: true if so.
 */
bool tell_is_overdue(struct tell *tell, unsigned int ms)
{
	struct queue *queues[] = { &tell->inflate, &tell->deflate, tell->report };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		queue_look(queues[i]);
		if (queue_is_overdue(queues[i], ms))
			return true;
	}
	return false;
}

/**
 * tell_keeps_memory - whether memory waits for the device, wherever it is
 * @tell: what the device is told
 *
 * Does not sleep, takes no lock. Free memory that is being reported counts too.
 *
 * Return: true if there is some that is neither held nor the guest's before the device has
 * answered or was reset.
 */
bool tell_keeps_memory(struct tell *tell)
{
	return !hold_is_acknowledged(tell->hold) || queue_unanswered(tell->report) ||
	       (tell->must_tell && queue_unanswered(&tell->deflate));
}

static bool tell_is_acknowledged(void *argument)
{
	struct tell *tell = argument;

	/* Pairs with step_inflate(). */
	return !smp_load_acquire(&tell->taking) && hold_is_acknowledged(tell->hold);
}

/**
 * tell_wait_inflated - wait until all that was named has been acknowledged
 * @tell: what the device is told
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps; call it with no lock held. A page that compaction moves counts too.
 *
 * Return: 0, -ETIMEDOUT or -EIO, as await().
 */
int tell_wait_inflated(struct tell *tell, unsigned long limit)
{
	return await(tell_naming_queue(tell), tell_is_acknowledged, tell, limit);
}

/**
 * tell_note_silence - remember whether the device lets others wait in vain
 * @tell: what the device is told
 * @waited: whether there was a wait at all
 * @error: what came of it, for the answers to what came back
 *
 * Does not sleep, takes no lock.
 */
void tell_note_silence(struct tell *tell, bool waited, int error)
{
	if (!error)
		WRITE_ONCE(tell->silent, false);
	else if (waited && error == -ETIMEDOUT)
		WRITE_ONCE(tell->silent, true);
}

/**
 * tell_wait_deflated - wait for the answers to all that was told to come back
 * @tell: what the device is told
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps; call it with no lock held.
 *
 * Return: 0, -ETIMEDOUT or -EIO, as await().
 */
int tell_wait_deflated(struct tell *tell, unsigned long limit)
{
	bool waits = time_before(jiffies, limit);
	int error = await_quiet(&tell->deflate, limit);

	tell_note_silence(tell, waits, error);
	return error;
}

/**
 * tell_wait_answers - wait for the answers to all that was named and told
 * @tell: what the device is told
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps; call it with no lock held.
 *
 * Return: 0, -ETIMEDOUT or -EIO, as await().
 */
int tell_wait_answers(struct tell *tell, unsigned long limit)
{
	return tell_wait_inflated(tell, limit) ?: tell_wait_deflated(tell, limit);
}

/**
 * tell_wait_quiet - wait until the device has answered all that it was ever asked
 * @tell: what the device is told
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps; call it with no lock held. While memory moves or is reported this may not come.
 *
 * Return: 0, -ETIMEDOUT or -EIO, as await().
 */
int tell_wait_quiet(struct tell *tell, unsigned long limit)
{
	return await_quiet(&tell->inflate, limit) ?: await_quiet(&tell->deflate, limit) ?:
	       await_quiet(tell->report, limit);
}

/**
 * tell_patience - until when to wait for answers to what came back
 * @tell: what the device is told
 * @wait: how long, in jiffies, if the device is not known to be silent
 *
 * Does not wait, but looks into the ring and settles what was answered. Who comes page by
 * page, or while memory is short, must not wait each time for a device that lets others
 * wait in vain already.
 *
 * Return: a moment in jiffies.
 */
unsigned long tell_patience(struct tell *tell, unsigned long wait)
{
	if (READ_ONCE(tell->silent) && tell_wait_deflated(tell, jiffies))
		return jiffies;
	return jiffies + wait;
}

/**
 * tell_way_name - how memory is named to the device, in words
 * @tell: what the device is told
 *
 * Does not sleep.
 *
 * Return: the words.
 */
const char *tell_way_name(struct tell *tell)
{
	return tell->way == TELL_BY_RANGES ? "ranges" : "frame numbers";
}

/**
 * tell_naming_queue - the queue in which memory is named
 * @tell: what the device is told
 *
 * Does not sleep.
 *
 * Return: the queue.
 */
struct queue *tell_naming_queue(struct tell *tell)
{
	return tell->way == TELL_BY_RANGES ? tell->report : &tell->inflate;
}
