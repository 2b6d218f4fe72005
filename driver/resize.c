// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker that brings the balloon to the target.
 *
 * The rule: one step at a time, each bounded: read the target, move one batch towards it,
 * write the size. So a new target is followed at once in either direction, the host sees
 * progress, and the system can freeze between two steps. The worker sleeps when nothing
 * is to be done; when the guest has nothing to give it tries again more and more rarely.
 */
#include <linux/crash_dump.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "deflate.h"
#include "hold.h"
#include "inflate.h"
#include "need.h"
#include "resize.h"
#include "source.h"
#include "tell.h"
#include "trace.h"

/* How long one step takes memory from a slow guest, waits for the device; in jiffies. */
#define RESIZE_TAKE_TIME (HZ / 20 ?: 1)
#define RESIZE_ANSWER_TIME (5 * HZ)

/* How often to look at a device that does not answer, should it forget to notify. */
#define RESIZE_LOOK_AGAIN (10 * HZ)

/* How often the target is read while memory moves and nobody says that it changed. */
#define RESIZE_READ_TIME HZ

/* How often the host is told of the size while memory moves, in jiffies. */
#define RESIZE_SHOW_TIME (HZ / 20 ?: 1)

/* How long at least to let a guest breathe that gave little; in ms. */
#define RESIZE_BREATH_MS 20u

/* A guest that gives as much in one step has memory to give. */
#define RESIZE_RICH_PAGES (SZ_1M >> PAGE_SHIFT)

static u64 to_bytes(unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

static unsigned long resize_target_pages(struct resize *resize)
{
	return DIV_ROUND_UP_ULL(resize->target, UNITS_PER_PAGE);
}

static bool resize_is(struct resize *resize, enum resize_state state)
{
	return READ_ONCE(resize->state) == state;
}

/* Whether memory moves, or may at any moment. */
static bool resize_moves(enum resize_state state)
{
	return state == RESIZE_INFLATING || state == RESIZE_DEFLATING ||
	       state == RESIZE_HOLDING_OFF;
}

/*
 * A device may be at work, and asking it for what it has not changed waits. A kernel that
 * is there to write a crash dump has little memory, of which the host's target knows nothing.
 */
static void resize_read_target(struct resize *resize)
{
	u32 target;

	if (!atomic_xchg(&resize->unread, false) &&
	    time_before64(get_jiffies_64(), resize->read + RESIZE_READ_TIME))
		return;
	resize->read = get_jiffies_64();
	virtio_cread_le(resize->device, struct virtio_balloon_config, num_pages, &target);
	if (is_kdump_kernel())
		target = 0;
	if (target == resize->target)
		return;
	WRITE_ONCE(resize->target, target);
	pace_succeeded(&resize->pace);
	resize->not_before = get_jiffies_64();
}

static void resize_write_actual(struct resize *resize)
{
	u64 units = (u64)hold_count(resize->hold) * UNITS_PER_PAGE;
	u32 actual = min_t(u64, units, U32_MAX);

	if (actual == resize->actual)
		return;
	WRITE_ONCE(resize->actual, actual);
	virtio_cwrite_le(resize->device, struct virtio_balloon_config, actual, &actual);
}

static enum resize_state resize_pause(struct resize *resize, enum resize_state pause,
				      unsigned int wait_ms)
{
	resize->not_before = get_jiffies_64() + msecs_to_jiffies(wait_ms);
	resize->pause = pause;
	return pause;
}

static bool resize_is_paused(struct resize *resize)
{
	return time_before64(get_jiffies_64(), resize->not_before);
}

static bool resize_holds_off(struct resize *resize, unsigned long missing)
{
	unsigned int look_ms;

	if (need_relieve(resize->need, resize->tell)) {
		resize_pause(resize, RESIZE_HOLDING_OFF, 0);
		return true;
	}
	look_ms = need_look(resize->need, missing);
	if (look_ms)
		resize_pause(resize, RESIZE_HOLDING_OFF, look_ms);
	return look_ms;
}

static enum resize_state resize_back_off(struct resize *resize)
{
	tally_add(resize->hold->tally, TALLY_REFUSED, 1);
	return resize_pause(resize, RESIZE_OUT_OF_MEMORY, pace_failed(&resize->pace));
}

/* A device that is known to be silent is not waited for once more. */
static unsigned long resize_answer_limit(struct resize *resize)
{
	return resize_is(resize, RESIZE_NOT_ANSWERING) ? jiffies : jiffies + RESIZE_ANSWER_TIME;
}

static bool resize_is_silent(struct resize *resize, unsigned long limit)
{
	return !deflate_tell_owed(resize->tell, limit) ||
	       tell_wait_answers(resize->tell, limit);
}

/* Memory is taken only when the device has room for it, and nothing is in its way. */
static bool resize_is_busy(struct resize *resize)
{
	unsigned long limit = resize_answer_limit(resize);
	struct tell *tell = resize->tell;

	if (resize_is(resize, RESIZE_NOT_ANSWERING) && resize_is_silent(resize, limit))
		return true;
	return !deflate_tell_owed(tell, limit) || tell_wait_deflated(tell, limit) ||
	       tell_wait_room(tell, tell_naming_queue(tell), limit);
}

/* Returns -EAGAIN if the guest came to need the memory meanwhile. */
static int resize_name(struct resize *resize, struct list_head *blocks)
{
	unsigned long limit = jiffies + RESIZE_ANSWER_TIME;
	int error = -EAGAIN;

	if (!need_lasts(resize->need)) {
		if (deflate_tell_owed(resize->tell, limit))
			return inflate_memory(resize->tell, blocks, limit);
		error = -ETIMEDOUT;
	}
	source_give_back(blocks);
	return error;
}

static enum resize_state resize_inflate(struct resize *resize, unsigned long missing)
{
	unsigned long want = min(missing, tell_batch_pages(resize->tell));
	unsigned long taken, begun;
	struct tell *tell = resize->tell;
	ktime_t begin = ktime_get();
	unsigned int took_ms;
	LIST_HEAD(blocks);
	int error;

	if (resize_holds_off(resize, missing) || resize_is_paused(resize))
		return resize->pause;
	if (resize_is_busy(resize))
		return RESIZE_NOT_ANSWERING;

	WRITE_ONCE(tell->taking, true);
	begun = jiffies;
	taken = source_take(&blocks, want, tell_largest_order(tell), begun + RESIZE_TAKE_TIME);
	took_ms = jiffies_to_msecs(jiffies - begun);
	error = resize_name(resize, &blocks);
	/* What was taken is known as named before: pairs with tell_is_acknowledged(). */
	smp_store_release(&tell->taking, false);
	trace_aerostat_inflate(resize->device, to_bytes(want), to_bytes(error ? 0 : taken), begin);
	if (error == -EAGAIN)
		return RESIZE_INFLATING;
	if (error && error != -ERANGE)
		return RESIZE_NOT_ANSWERING;
	if (error || !taken)
		return resize_back_off(resize);

	if (taken >= min_t(unsigned long, want, RESIZE_RICH_PAGES))
		pace_succeeded(&resize->pace);
	else
		resize_pause(resize, RESIZE_INFLATING, max(took_ms, RESIZE_BREATH_MS));
	return RESIZE_INFLATING;
}

static enum resize_state resize_deflate(struct resize *resize, unsigned long spare)
{
	unsigned long want = min(spare, tell_batch_pages(resize->tell));
	unsigned long limit = resize_answer_limit(resize);
	ktime_t begin = ktime_get();
	unsigned long returned;

	tell_wait_room(resize->tell, &resize->tell->deflate, limit);
	returned = deflate_memory(resize->tell, want, TELL_RESERVE_RESCUE, limit);
	trace_aerostat_deflate(resize->device, to_bytes(want), to_bytes(returned), begin);
	if (returned)
		return RESIZE_DEFLATING;
	if (resize_is_silent(resize, limit))
		return RESIZE_NOT_ANSWERING;
	msleep(HOLD_ISOLATED_MS);
	return RESIZE_DEFLATING;
}

static enum resize_state resize_step(struct resize *resize)
{
	unsigned long target, size, held;

	tell_settle(resize->tell);
	if (!tell_works(resize->tell))
		return RESIZE_NOT_ANSWERING;
	deflate_tell_owed(resize->tell, jiffies);

	resize_read_target(resize);
	target = resize_target_pages(resize);
	size = hold_size(resize->hold);
	if (size < target)
		return resize_inflate(resize, target - size);
	held = hold_count(resize->hold);
	if (held > target)
		return resize_deflate(resize, held - target);
	if (resize_is_silent(resize, resize_answer_limit(resize)))
		return RESIZE_NOT_ANSWERING;
	return hold_count(resize->hold) > target ? RESIZE_DEFLATING : RESIZE_AT_TARGET;
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

/* Call it under the lock. */
static void resize_enter(struct resize *resize, enum resize_state state)
{
	if (state == resize->state)
		return;
	trace_aerostat_state(resize->device, resize->state, state,
			     (u64)READ_ONCE(resize->target) << UNIT_SHIFT,
			     to_bytes(hold_count(resize->hold)));
	WRITE_ONCE(resize->state, state);
	resize->since = ktime_get_boottime();
}

/* Moving memory comes before marking it. */
static bool resize_mark(struct resize *resize, enum resize_state state)
{
	return (!resize_moves(state) || resize_is_paused(resize)) && hold_mark(resize->hold);
}

static void resize_go_on(struct resize *resize, enum resize_state state, long longest)
{
	bool marks = resize_mark(resize, state);
	long wait;

	spin_lock_irq(&resize->lock);
	if (resize->state != RESIZE_STOPPED) {
		resize_enter(resize, state);
		wait = marks ? 0 : min(resize_wait(resize, state), longest);
		if (wait >= 0)
			queue_delayed_work(resize->workqueue, &resize->work, wait);
	}
	spin_unlock_irq(&resize->lock);
}

/* While memory moves, the host is told of the size now and then. */
static bool resize_shows(struct resize *resize, enum resize_state state)
{
	if (resize_moves(state) &&
	    time_before64(get_jiffies_64(), resize->shown + RESIZE_SHOW_TIME))
		return false;
	resize->shown = get_jiffies_64();
	return true;
}

static void resize_work(struct work_struct *work)
{
	struct resize *resize = container_of(to_delayed_work(work), struct resize, work);
	enum resize_state state = resize_step(resize);
	bool shows = resize_shows(resize, state);

	if (shows)
		resize_write_actual(resize);
	notice_state(&resize->notice, state, resize_target_pages(resize));
	resize_go_on(resize, state, shows ? LONG_MAX : RESIZE_SHOW_TIME);
}

/**
 * resize_prepare - set the worker up, stopped
 * @resize: the worker
 * @device: the device
 * @hold: what the balloon holds
 * @tell: what the device is told
 * @need: the guest's need, which comes first
 * @workqueue: where to work; freezable, with a rescuer
 *
 * Does not sleep.
 */
void resize_prepare(struct resize *resize, struct virtio_device *device, struct hold *hold,
		    struct tell *tell, struct need *need, struct workqueue_struct *workqueue)
{
	resize->device = device;
	resize->hold = hold;
	resize->tell = tell;
	resize->need = need;
	resize->workqueue = workqueue;
	resize->state = RESIZE_STOPPED;
	notice_prepare(&resize->notice, device, tell);
	spin_lock_init(&resize->lock);
	INIT_DELAYED_WORK(&resize->work, resize_work);
}

/**
 * resize_say_empty - tell the device that the balloon is empty
 * @resize: the worker, stopped
 *
 * May sleep.
 */
void resize_say_empty(struct resize *resize)
{
	WRITE_ONCE(resize->actual, 0);
	virtio_cwrite_le(resize->device, struct virtio_balloon_config, actual, &resize->actual);
}

/**
 * resize_start - follow the host's target from now on
 * @resize: the worker, stopped; the device ready, the balloon empty
 *
 * May sleep. Keeps rules O1, O2 and O10 from here.
 */
void resize_start(struct resize *resize)
{
	WRITE_ONCE(resize->target, 0);
	atomic_set(&resize->unread, true);
	resize->shown = get_jiffies_64() - RESIZE_SHOW_TIME;
	resize_say_empty(resize);
	notice_start(&resize->notice);
	pace_succeeded(&resize->pace);
	resize->not_before = get_jiffies_64();
	need_forget(resize->need);
	spin_lock_irq(&resize->lock);
	resize_enter(resize, RESIZE_AT_TARGET);
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
	resize_enter(resize, RESIZE_STOPPED);
	spin_unlock_irq(&resize->lock);
	cancel_delayed_work_sync(&resize->work);
}

/**
 * resize_state_name - what the worker is at, in words
 * @resize: the worker
 *
 * Does not sleep, takes no lock.
 *
 * Return: the words.
 */
const char *resize_state_name(struct resize *resize)
{
	return notice_state_name(READ_ONCE(resize->state));
}

/**
 * resize_state_since - since when the worker has been at it
 * @resize: the worker
 *
 * Does not sleep.
 *
 * Return: time after boot, sleep of the system included.
 */
ktime_t resize_state_since(struct resize *resize)
{
	ktime_t since;

	spin_lock_irq(&resize->lock);
	since = resize->since;
	spin_unlock_irq(&resize->lock);
	return since;
}

/**
 * resize_target_changed - the device has a new target
 * @resize: the worker; waking a stopped one does nothing
 *
 * Does not sleep; any context. Keeps rules O1 and O2.
 */
void resize_target_changed(struct resize *resize)
{
	atomic_xchg(&resize->unread, true);
	resize_wake(resize);
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
