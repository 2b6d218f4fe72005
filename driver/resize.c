// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker that brings the balloon to the target.
 *
 * The rule: one step at a time, and between two of them the size is written, so that the
 * host sees progress. The worker sleeps when nothing is to be done, and once it is stopped
 * nobody wakes it.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "hold.h"
#include "resize.h"
#include "tell.h"
#include "trace.h"

/* How often the host is told of the size while memory moves, in jiffies. */
#define RESIZE_SHOW_TIME (HZ / 20 ?: 1)

/* Call it under the lock. */
static void resize_enter(struct resize *resize, enum resize_state state)
{
	struct step *step = &resize->step;

	if (state == resize->state)
		return;
	trace_aerostat_state(step->device, resize->state, state,
			     (u64)READ_ONCE(step->target) << UNIT_SHIFT,
			     (u64)hold_count(step->hold) << PAGE_SHIFT);
	WRITE_ONCE(resize->state, state);
	resize->since = ktime_get_boottime();
}

/* Whether memory moves, or may at any moment. */
static bool resize_moves(enum resize_state state)
{
	return state == RESIZE_INFLATING || state == RESIZE_DEFLATING ||
	       state == RESIZE_HOLDING_OFF;
}

/* Moving memory comes before marking it. */
static bool resize_mark(struct resize *resize, enum resize_state state)
{
	struct step *step = &resize->step;

	return (!resize_moves(state) || step_is_paused(step)) && hold_mark(step->hold);
}

static void resize_go_on(struct resize *resize, enum resize_state state, long longest)
{
	bool marks = resize_mark(resize, state);
	long wait;

	spin_lock_irq(&resize->lock);
	if (resize->state != RESIZE_STOPPED) {
		resize_enter(resize, state);
		wait = marks ? 0 : min(step_wait(&resize->step), longest);
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
	enum resize_state state = step_go(&resize->step);
	bool shows = resize_shows(resize, state);

	if (shows)
		step_write_actual(&resize->step);
	notice_state(&resize->notice, state, step_target_pages(&resize->step));
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
	step_prepare(&resize->step, device, hold, tell, need);
	resize->workqueue = workqueue;
	resize->state = RESIZE_STOPPED;
	notice_prepare(&resize->notice, device, tell);
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
	resize->shown = get_jiffies_64() - RESIZE_SHOW_TIME;
	step_start(&resize->step);
	notice_start(&resize->notice);
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
 * five seconds at most.
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
	step_target_changed(&resize->step);
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
