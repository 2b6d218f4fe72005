// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker that brings the balloon to the target.
 *
 * The rule: one step at a time, each bounded: read the target, move one batch towards it,
 * write the size. So a new target is followed at once in either direction, the host sees
 * progress, and the system can freeze between two steps. The worker sleeps when nothing
 * is to be done; when the guest has nothing to give it tries again more and more rarely.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "deflate.h"
#include "hold.h"
#include "inflate.h"
#include "resize.h"
#include "source.h"
#include "tell.h"

/* How long one step takes memory from a slow guest, waits for the device; in jiffies. */
#define RESIZE_TAKE_TIME (HZ / 20 ?: 1)
#define RESIZE_ANSWER_TIME (5 * HZ)

/* How often to look at a device that does not answer, should it forget to notify. */
#define RESIZE_LOOK_AGAIN (10 * HZ)

/* How long a device that is about to be reset may be silent, and take in all; in jiffies. */
#define RESIZE_LEAVE_SILENCE HZ
#define RESIZE_LEAVE_TIME (10 * HZ)

/* How much of a large inflation comes from a processor's own lists at most. */
#define RESIZE_CACHED_PAGES max(SZ_16M >> PAGE_SHIFT, BLOCK_WHOLE_PAGES)

/* How long at least to let a guest breathe that gave little; in ms. */
#define RESIZE_BREATH_MS 20u

/* A guest that gives as much in one step has memory to give. */
#define RESIZE_RICH_PAGES (SZ_1M >> PAGE_SHIFT)

/* How long to leave compaction alone when it is at work on all that is held, in ms. */
#define RESIZE_ISOLATED_MS 10

static unsigned long to_mib(unsigned long pages)
{
	return pages >> (20 - PAGE_SHIFT);
}

static unsigned long resize_target_pages(struct resize *resize)
{
	return DIV_ROUND_UP_ULL(resize->target, UNITS_PER_PAGE);
}

static void resize_read_target(struct resize *resize)
{
	u32 target;

	virtio_cread_le(resize->device, struct virtio_balloon_config, num_pages, &target);
	if (target == resize->target)
		return;
	resize->target = target;
	pace_succeeded(&resize->pace);
	spin_lock_irq(&resize->lock);
	resize->not_before = get_jiffies_64();
	spin_unlock_irq(&resize->lock);
}

static void resize_write_actual(struct resize *resize)
{
	u64 units = (u64)hold_count(resize->hold) * UNITS_PER_PAGE;
	u32 actual = min_t(u64, units, U32_MAX);

	if (actual == resize->actual)
		return;
	resize->actual = actual;
	virtio_cwrite_le(resize->device, struct virtio_balloon_config, actual, &actual);
}

static void resize_say_empty(struct resize *resize)
{
	resize->actual = 0;
	virtio_cwrite_le(resize->device, struct virtio_balloon_config, actual, &resize->actual);
}

static void resize_pause(struct resize *resize, enum resize_state pause, unsigned int wait_ms)
{
	u64 end = get_jiffies_64() + msecs_to_jiffies(wait_ms);
	unsigned long flags;

	spin_lock_irqsave(&resize->lock, flags);
	if (time_after64(end, resize->not_before)) {
		resize->not_before = end;
		resize->pause = pause;
	}
	spin_unlock_irqrestore(&resize->lock, flags);
}

static bool resize_is_paused(struct resize *resize, enum resize_state *pause)
{
	bool paused;

	spin_lock_irq(&resize->lock);
	paused = time_before64(get_jiffies_64(), resize->not_before);
	*pause = resize->pause;
	spin_unlock_irq(&resize->lock);
	return paused;
}

static enum resize_state resize_back_off(struct resize *resize)
{
	resize_pause(resize, RESIZE_OUT_OF_MEMORY, pace_failed(&resize->pace));
	return RESIZE_OUT_OF_MEMORY;
}

/* A device that is known to be silent is not waited for once more. */
static unsigned long resize_answer_limit(struct resize *resize)
{
	return resize->state == RESIZE_NOT_ANSWERING ? jiffies : jiffies + RESIZE_ANSWER_TIME;
}

static bool resize_is_owed(struct resize *resize, unsigned long limit)
{
	return tell_wait_inflated(resize->tell, limit) || tell_wait_deflated(resize->tell, limit);
}

/* Memory is taken only when the device has room for it, and nothing is in its way. */
static bool resize_is_busy(struct resize *resize)
{
	unsigned long limit = resize_answer_limit(resize);
	struct tell *tell = resize->tell;

	if (resize->state == RESIZE_NOT_ANSWERING && resize_is_owed(resize, limit))
		return true;
	return tell_wait_deflated(tell, limit) ||
	       tell_wait_room(tell, tell_naming_queue(tell), limit);
}

/*
 * Free pages that wait on a processor's own lists go first. They are of no use to a guest
 * that needs huge pages, which has fewer if only whole blocks are taken.
 */
static unsigned long resize_take_cached(struct resize *resize, unsigned long missing)
{
	LIST_HEAD(pages);

	if (resize->state == RESIZE_INFLATING || missing < 2 * RESIZE_CACHED_PAGES)
		return missing;
	source_take_cached(&pages, RESIZE_CACHED_PAGES);
	inflate_scattered(resize->tell, &pages, jiffies + RESIZE_ANSWER_TIME);
	return resize_target_pages(resize) - hold_size(resize->hold);
}

static enum resize_state resize_inflate(struct resize *resize, unsigned long missing)
{
	enum resize_state pause;
	unsigned long want;
	unsigned long taken, begun = jiffies;
	LIST_HEAD(blocks);
	int error;

	if (resize_is_paused(resize, &pause))
		return pause;
	if (resize_is_busy(resize))
		return RESIZE_NOT_ANSWERING;

	WRITE_ONCE(resize->tell->taking, true);
	missing = resize_take_cached(resize, missing);
	want = min(missing, tell_batch_pages(resize->tell));
	taken = source_take(&blocks, want, tell_largest_order(resize->tell),
			    jiffies + RESIZE_TAKE_TIME);
	error = inflate_memory(resize->tell, &blocks, jiffies + RESIZE_ANSWER_TIME);
	WRITE_ONCE(resize->tell->taking, false);
	if (!taken)
		return resize_back_off(resize);
	if (error == -ERANGE)
		return resize_back_off(resize);
	if (error)
		return RESIZE_NOT_ANSWERING;

	if (taken >= min_t(unsigned long, want, RESIZE_RICH_PAGES))
		pace_succeeded(&resize->pace);
	else
		resize_pause(resize, RESIZE_INFLATING,
			     max(jiffies_to_msecs(jiffies - begun), RESIZE_BREATH_MS));
	return RESIZE_INFLATING;
}

static enum resize_state resize_deflate(struct resize *resize, unsigned long spare)
{
	unsigned long want = min(spare, tell_batch_pages(resize->tell));
	unsigned long limit = resize_answer_limit(resize);

	tell_wait_room(resize->tell, &resize->tell->deflate, limit);
	if (deflate_memory(resize->tell, want, TELL_RESERVE_RESCUE, limit))
		return RESIZE_DEFLATING;
	if (resize_is_owed(resize, limit))
		return RESIZE_NOT_ANSWERING;
	msleep(RESIZE_ISOLATED_MS);
	return RESIZE_DEFLATING;
}

static enum resize_state resize_step(struct resize *resize)
{
	unsigned long target, size;

	tell_settle(resize->tell);
	if (!tell_works(resize->tell))
		return RESIZE_NOT_ANSWERING;

	resize_read_target(resize);
	target = resize_target_pages(resize);
	size = hold_size(resize->hold);
	if (size < target)
		return resize_inflate(resize, target - size);
	if (size > target)
		return resize_deflate(resize, size - target);
	if (resize_is_owed(resize, resize_answer_limit(resize)))
		return RESIZE_NOT_ANSWERING;
	return RESIZE_AT_TARGET;
}

static void resize_say_trouble(struct resize *resize, enum resize_state trouble)
{
	struct device *device = &resize->device->dev;
	unsigned long held = to_mib(hold_count(resize->hold));
	unsigned long target = to_mib(resize_target_pages(resize));

	if (trouble == RESIZE_NOT_ANSWERING && !tell_works(resize->tell))
		dev_warn(device, "the device is broken: the balloon stays at %lu MiB until the device is reset\n",
			 held);
	else if (trouble == RESIZE_NOT_ANSWERING)
		dev_warn(device, "the device does not answer: the balloon stays at %lu of %lu MiB, %lu MiB more stay out of use, until it does; look at the host\n",
			 held, target, to_mib(hold_named(resize->hold)));
	else if (trouble == RESIZE_OUT_OF_MEMORY)
		dev_info(device, "the guest has no more memory to give: %lu of %lu MiB are taken, the rest follows when it can\n",
			 held, target);
	else
		dev_info(device, "the guest is short of memory and takes some back: %lu of %lu MiB are left in the balloon\n",
			 held, target);
}

static void resize_say(struct resize *resize, enum resize_state state)
{
	if (resize->said == RESIZE_NOT_ANSWERING) {
		if (state == RESIZE_NOT_ANSWERING || resize_is_owed(resize, jiffies))
			return;
		dev_info(&resize->device->dev, "the device answers again\n");
		resize->said = RESIZE_AT_TARGET;
	}

	switch (state) {
	case RESIZE_AT_TARGET:
	case RESIZE_DEFLATING:
		resize->said = RESIZE_AT_TARGET;
		break;
	case RESIZE_HOLDING_OFF:
	case RESIZE_OUT_OF_MEMORY:
		if (resize->said != RESIZE_AT_TARGET)
			break;
		fallthrough;
	case RESIZE_NOT_ANSWERING:
		resize->said = state;
		resize_say_trouble(resize, state);
		break;
	default:
		break;
	}
}

/* In jiffies; negative: until somebody wakes the worker. */
static long resize_wait(struct resize *resize, enum resize_state state)
{
	switch (state) {
	case RESIZE_INFLATING:
	case RESIZE_HOLDING_OFF:
	case RESIZE_OUT_OF_MEMORY:
		return max_t(s64, resize->not_before - get_jiffies_64(), 0);
	case RESIZE_DEFLATING:
		return 0;
	case RESIZE_NOT_ANSWERING:
		return RESIZE_LOOK_AGAIN;
	default:
		return -1;
	}
}

static void resize_go_on(struct resize *resize, enum resize_state state)
{
	long wait;

	spin_lock_irq(&resize->lock);
	if (resize->state != RESIZE_STOPPED) {
		resize->state = state;
		wait = resize_wait(resize, state);
		if (wait >= 0)
			queue_delayed_work(resize->workqueue, &resize->work, wait);
	}
	spin_unlock_irq(&resize->lock);
}

static void resize_work(struct work_struct *work)
{
	struct resize *resize = container_of(to_delayed_work(work), struct resize, work);
	enum resize_state state = resize_step(resize);

	resize_write_actual(resize);
	resize_say(resize, state);
	resize_go_on(resize, state);
}

/**
 * resize_prepare - set the worker up, stopped
 * @resize: the worker
 * @device: the device
 * @hold: what the balloon holds
 * @tell: what the device is told
 * @workqueue: where to work; freezable, with a rescuer
 *
 * Does not sleep.
 */
void resize_prepare(struct resize *resize, struct virtio_device *device, struct hold *hold,
		    struct tell *tell, struct workqueue_struct *workqueue)
{
	resize->device = device;
	resize->hold = hold;
	resize->tell = tell;
	resize->workqueue = workqueue;
	resize->state = RESIZE_STOPPED;
	spin_lock_init(&resize->lock);
	INIT_DELAYED_WORK(&resize->work, resize_work);
}

/**
 * resize_start - follow the host's target from now on
 * @resize: the worker, stopped; the device ready, the balloon empty
 *
 * May sleep. Keeps rules O1, O2 and O10 from here.
 */
void resize_start(struct resize *resize)
{
	resize->target = 0;
	resize_say_empty(resize);
	resize->said = RESIZE_AT_TARGET;
	pace_succeeded(&resize->pace);
	spin_lock_irq(&resize->lock);
	resize->not_before = get_jiffies_64();
	resize->state = RESIZE_AT_TARGET;
	spin_unlock_irq(&resize->lock);
	resize_wake(resize);
}

/**
 * resize_stop - stop the worker
 * @resize: the worker; stopping a stopped one does nothing
 *
 * Sleeps until the step under way is over, which the device can delay by a few times
 * RESIZE_ANSWER_TIME at most.
 */
void resize_stop(struct resize *resize)
{
	spin_lock_irq(&resize->lock);
	resize->state = RESIZE_STOPPED;
	spin_unlock_irq(&resize->lock);
	cancel_delayed_work_sync(&resize->work);
}

/**
 * resize_wake - there may be something to do
 * @resize: the worker; waking a stopped one does nothing
 *
 * Does not sleep; any context.
 */
void resize_wake(struct resize *resize)
{
	unsigned long flags;

	spin_lock_irqsave(&resize->lock, flags);
	if (resize->state != RESIZE_STOPPED)
		mod_delayed_work(resize->workqueue, &resize->work, 0);
	spin_unlock_irqrestore(&resize->lock, flags);
}

/**
 * resize_hold_off - the guest takes memory back: do not take it away again at once
 * @resize: the worker
 *
 * Does not sleep; any context. Wake the worker afterwards: it tells the device the size.
 */
void resize_hold_off(struct resize *resize)
{
	resize_pause(resize, RESIZE_HOLDING_OFF, PACE_LAST_MS);
}

/**
 * resize_give_back - empty the balloon, as long as the device listens
 * @resize: the worker, stopped; the device not yet reset
 *
 * Sleeps. Keeps rule O5 for a device that goes away in order. One that is silent for
 * RESIZE_LEAVE_SILENCE, or needs more than RESIZE_LEAVE_TIME for it all, is not waited
 * for: what is left is freed after the reset.
 */
void resize_give_back(struct resize *resize)
{
	struct tell *tell = resize->tell;
	unsigned long end = jiffies + RESIZE_LEAVE_TIME;

	while (hold_count(resize->hold) && tell_works(tell) && time_before(jiffies, end)) {
		if (deflate_memory(tell, tell_batch_pages(tell), 0, jiffies + RESIZE_LEAVE_SILENCE))
			continue;
		if (resize_is_owed(resize, jiffies))
			break;
		msleep(RESIZE_ISOLATED_MS);
	}
	if (!tell_wait_inflated(tell, jiffies))
		tell_wait_deflated(tell, jiffies + RESIZE_LEAVE_SILENCE);
	resize_say_empty(resize);
}

/**
 * resize_free_all - empty the balloon without a word
 * @resize: the worker, stopped; the device reset
 *
 * Sleeps until compaction has let go of what it was moving.
 */
void resize_free_all(struct resize *resize)
{
	struct page *block;
	LIST_HEAD(pages);
	bool empty;

	do {
		empty = hold_is_empty(resize->hold);
		while ((block = hold_get_block(resize->hold))) {
			source_give_back_block(block);
			cond_resched();
		}
		while (hold_get(resize->hold, &pages, TELL_PAGES))
			source_give_back(&pages);
		if (!empty)
			msleep(RESIZE_ISOLATED_MS);
	} while (!empty);
}
