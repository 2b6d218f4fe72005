// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One step towards the target.
 *
 * The rule: a step is bounded: read the target, move one batch towards it, say what came of
 * it and when the next is due. So a new target is followed at once in either direction, and
 * the system can freeze between two steps. A guest that has nothing to give is asked more
 * and more rarely.
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
#include "room.h"
#include "source.h"
#include "step.h"
#include "tell.h"
#include "trace.h"

/* How long a step takes memory from a slow guest, waits for the device; in jiffies. */
#define STEP_TAKE_TIME (HZ / 20 ?: 1)
#define STEP_ANSWER_TIME (5 * HZ)

/* How often to look at a device that does not answer, should it forget to notify. */
#define STEP_LOOK_AGAIN (10 * HZ)

/* How often the target is read while memory moves and nobody says that it changed. */
#define STEP_READ_TIME HZ

/* How long at least to let a guest breathe that gave little; in ms. */
#define STEP_BREATH_MS 20u

/* A guest that gives as much in one step has memory to give. */
#define STEP_RICH_PAGES (SZ_1M >> PAGE_SHIFT)

/**
 * step_prepare - know whose balloon it is
 * @step: the step
 * @device: the device
 * @hold: what the balloon holds
 * @tell: what the device is told
 * @need: the guest's need, which comes first
 *
 * Does not sleep.
 */
void step_prepare(struct step *step, struct virtio_device *device, struct hold *hold,
		  struct tell *tell, struct need *need)
{
	step->device = device;
	step->hold = hold;
	step->tell = tell;
	step->need = need;
}

/**
 * step_say_empty - tell the device that the balloon is empty
 * @step: the step; the worker stopped
 *
 * May sleep.
 */
void step_say_empty(struct step *step)
{
	WRITE_ONCE(step->actual, 0);
	virtio_cwrite_le(step->device, struct virtio_balloon_config, actual, &step->actual);
}

/**
 * step_start - forget what was before
 * @step: the step; the worker stopped, the device ready, the balloon empty
 *
 * May sleep. Keeps rule O10.
 */
void step_start(struct step *step)
{
	WRITE_ONCE(step->target, 0);
	atomic_set(&step->unread, true);
	step->state = RESIZE_AT_TARGET;
	step->not_before = get_jiffies_64();
	pace_succeeded(&step->pace);
	need_forget(step->need);
	step_say_empty(step);
}

/**
 * step_target_changed - the device has a new target
 * @step: the step
 *
 * Does not sleep; any context. The next step reads it. Keeps rules O1 and O2.
 */
void step_target_changed(struct step *step)
{
	atomic_xchg(&step->unread, true);
}

/**
 * step_target_pages - the target as last read
 * @step: the step; the worker's
 *
 * Does not sleep.
 *
 * Return: pages, rounded up.
 */
unsigned long step_target_pages(struct step *step)
{
	return DIV_ROUND_UP_ULL(step->target, UNITS_PER_PAGE);
}

/**
 * step_write_actual - tell the device of the size, if it has changed
 * @step: the step; the worker's
 *
 * May sleep. Keeps rule O10.
 */
void step_write_actual(struct step *step)
{
	u64 units = (u64)hold_count(step->hold) * UNITS_PER_PAGE;
	u32 actual = min_t(u64, units, U32_MAX);

	if (actual == step->actual)
		return;
	WRITE_ONCE(step->actual, actual);
	virtio_cwrite_le(step->device, struct virtio_balloon_config, actual, &actual);
}

/**
 * step_is_paused - whether the guest is let breathe
 * @step: the step; the worker's
 *
 * Does not sleep.
 *
 * Return: true if it is not asked for memory yet.
 */
bool step_is_paused(struct step *step)
{
	return time_before64(get_jiffies_64(), step->not_before);
}

static u64 to_bytes(unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

/*
 * A device may be at work, and asking it for what it has not changed waits. A kernel that
 * is there to write a crash dump has little memory, of which the host's target knows nothing.
 */
static void step_read_target(struct step *step)
{
	u32 target;

	if (!atomic_xchg(&step->unread, false) &&
	    time_before64(get_jiffies_64(), step->read + STEP_READ_TIME))
		return;
	step->read = get_jiffies_64();
	virtio_cread_le(step->device, struct virtio_balloon_config, num_pages, &target);
	if (is_kdump_kernel())
		target = 0;
	if (target == step->target)
		return;
	WRITE_ONCE(step->target, target);
	pace_succeeded(&step->pace);
	step->not_before = get_jiffies_64();
}

static enum resize_state step_pause(struct step *step, enum resize_state pause,
				    unsigned int wait_ms)
{
	step->not_before = get_jiffies_64() + msecs_to_jiffies(wait_ms);
	step->pause = pause;
	return pause;
}

static bool step_holds_off(struct step *step, unsigned long missing)
{
	unsigned int look_ms;

	if (need_relieve(step->need, step->tell)) {
		step_pause(step, RESIZE_HOLDING_OFF, 0);
		return true;
	}
	look_ms = need_look(step->need, missing);
	if (look_ms)
		step_pause(step, RESIZE_HOLDING_OFF, look_ms);
	return look_ms;
}

static enum resize_state step_back_off(struct step *step)
{
	tally_add(step->hold->tally, TALLY_REFUSED, 1);
	return step_pause(step, RESIZE_OUT_OF_MEMORY, pace_failed(&step->pace));
}

/* A device that is known to be silent is not waited for once more. */
static unsigned long step_answer_limit(struct step *step)
{
	return step->state == RESIZE_NOT_ANSWERING ? jiffies : jiffies + STEP_ANSWER_TIME;
}

static bool step_is_silent(struct step *step, unsigned long limit)
{
	return !deflate_tell_owed(step->tell, limit) ||
	       tell_wait_answers(step->tell, limit);
}

/* Memory is taken only when the device has room for it, and nothing is in its way. */
static bool step_is_busy(struct step *step)
{
	unsigned long limit = step_answer_limit(step);
	struct tell *tell = step->tell;

	if (step->state == RESIZE_NOT_ANSWERING && step_is_silent(step, limit))
		return true;
	return !deflate_tell_owed(tell, limit) || tell_wait_deflated(tell, limit) ||
	       room_wait(tell, tell_naming_queue(tell), limit);
}

static bool step_is_in_need(void *argument)
{
	struct step *step = argument;

	return need_lasts(step->need);
}

/* Returns -EAGAIN if the guest came to need memory meanwhile, or something is to be told first. */
static int step_name(struct step *step, struct list_head *blocks)
{
	if (!step_is_in_need(step) && deflate_tell_owed(step->tell, jiffies))
		return inflate_memory(step->tell, blocks, jiffies + STEP_ANSWER_TIME,
				      step_is_in_need, step);
	source_give_back(blocks);
	return -EAGAIN;
}

static enum resize_state step_inflate(struct step *step, unsigned long missing)
{
	unsigned long want = min(missing, room_batch_pages(step->tell));
	unsigned long taken, begun;
	struct tell *tell = step->tell;
	ktime_t begin = ktime_get();
	unsigned int took_ms;
	LIST_HEAD(blocks);
	int error;

	if (step_holds_off(step, missing) || step_is_paused(step))
		return step->pause;
	if (step_is_busy(step))
		return RESIZE_NOT_ANSWERING;

	WRITE_ONCE(tell->taking, true);
	begun = jiffies;
	taken = source_take(&blocks, want, room_largest_order(tell), begun + STEP_TAKE_TIME);
	took_ms = jiffies_to_msecs(jiffies - begun);
	error = step_name(step, &blocks);
	/* What was taken is known as named before: pairs with tell_is_acknowledged(). */
	smp_store_release(&tell->taking, false);
	trace_aerostat_inflate(step->device, to_bytes(want), to_bytes(error ? 0 : taken), begin);
	if (error == -EAGAIN)
		return RESIZE_INFLATING;
	if (error && error != -ERANGE)
		return RESIZE_NOT_ANSWERING;
	if (error || !taken)
		return step_back_off(step);

	if (taken >= min_t(unsigned long, want, STEP_RICH_PAGES))
		pace_succeeded(&step->pace);
	else
		step_pause(step, RESIZE_INFLATING, max(took_ms, STEP_BREATH_MS));
	return RESIZE_INFLATING;
}

static enum resize_state step_deflate(struct step *step, unsigned long spare)
{
	unsigned long want = min(spare, room_batch_pages(step->tell));
	unsigned long limit = step_answer_limit(step);
	ktime_t begin = ktime_get();
	unsigned long returned;

	room_wait(step->tell, &step->tell->deflate, limit);
	returned = deflate_memory(step->tell, want, TELL_RESERVE_RESCUE, limit);
	trace_aerostat_deflate(step->device, to_bytes(want), to_bytes(returned), begin);
	if (returned)
		return RESIZE_DEFLATING;
	if (step_is_silent(step, limit))
		return RESIZE_NOT_ANSWERING;
	msleep(HOLD_ISOLATED_MS);
	return RESIZE_DEFLATING;
}

static enum resize_state step_towards_target(struct step *step)
{
	unsigned long target, size, held;

	tell_settle(step->tell);
	if (!tell_works(step->tell))
		return RESIZE_NOT_ANSWERING;
	deflate_tell_owed(step->tell, jiffies);

	step_read_target(step);
	target = step_target_pages(step);
	size = hold_size(step->hold);
	if (size < target)
		return step_inflate(step, target - size);
	held = hold_count(step->hold);
	if (held > target)
		return step_deflate(step, held - target);
	if (step_is_silent(step, step_answer_limit(step)))
		return RESIZE_NOT_ANSWERING;
	return hold_count(step->hold) > target ? RESIZE_DEFLATING : RESIZE_AT_TARGET;
}

/**
 * step_go - move one batch towards the target
 * @step: the step; the worker's, no lock held
 *
 * Sleeps; a device that does not answer delays it by a few times STEP_ANSWER_TIME at most.
 * Keeps rules O1, O2 and O3.
 *
 * Return: what the worker is at now.
 */
enum resize_state step_go(struct step *step)
{
	step->state = step_towards_target(step);
	return step->state;
}

/**
 * step_wait - when the next step is due
 * @step: the step; the worker's
 *
 * Does not sleep.
 *
 * Return: jiffies from now; negative: when somebody wakes the worker.
 */
long step_wait(struct step *step)
{
	switch (step->state) {
	case RESIZE_INFLATING:
	case RESIZE_HOLDING_OFF:
	case RESIZE_OUT_OF_MEMORY:
		return max_t(s64, step->not_before - get_jiffies_64(), 0);
	case RESIZE_DEFLATING:
		return 0;
	case RESIZE_NOT_ANSWERING:
		return STEP_LOOK_AGAIN;
	default:
		return -1;
	}
}
