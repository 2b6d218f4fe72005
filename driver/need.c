// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest that was short of memory needs comes before the host's target.
 *
 * The rule: what the out-of-memory path and the worker know of it is here, and how it is
 * weighed is in relief.c. Only the worker waits here, and holds no lock meanwhile.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "deflate.h"
#include "hold.h"
#include "need.h"
#include "room.h"
#include "source.h"
#include "tell.h"
#include "trace.h"

/* How much must be available for the balloon to grow again after the guest was short. */
#define NEED_ENOUGH_PAGES (SZ_32M >> PAGE_SHIFT)

/* How long to wait for the device for the sake of a guest that grows, in jiffies. */
#define NEED_WAIT (HZ / 5 ?: 1)

static u64 need_bytes(unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

/**
 * need_prepare - set it up
 * @need: the guest's need
 * @device: the device
 * @hold: what the balloon holds
 *
 * Does not sleep.
 */
void need_prepare(struct need *need, struct virtio_device *device, struct hold *hold)
{
	need->device = device;
	need->hold = hold;
	spin_lock_init(&need->lock);
	need_forget(need);
}

/**
 * need_forget - begin with a guest that was never short of memory
 * @need: the guest's need
 *
 * Does not sleep.
 */
void need_forget(struct need *need)
{
	unsigned long flags;

	spin_lock_irqsave(&need->lock, flags);
	need->relief = (struct relief){ .state = RELIEF_NONE };
	spin_unlock_irqrestore(&need->lock, flags);
}

/**
 * need_begin - the guest takes memory back: do not take it away again at once
 * @need: the guest's need
 * @first: how much to give back at the first need, in base pages
 *
 * Does not sleep; any context.
 *
 * Return: how much to give back, in base pages.
 */
unsigned long need_begin(struct need *need, unsigned long first)
{
	unsigned long flags, count;
	unsigned int wait_ms;
	bool lasted;

	spin_lock_irqsave(&need->lock, flags);
	lasted = need->relief.state == RELIEF_HOLDING_OFF;
	count = relief_begin(&need->relief, ktime_to_ms(ktime_get()), first,
			     hold_count(need->hold));
	wait_ms = need->relief.wait_ms;
	spin_unlock_irqrestore(&need->lock, flags);
	if (!lasted)
		trace_aerostat_hold_off(need->device, false, wait_ms,
					need_bytes(source_available()), 0);
	return count;
}

/**
 * need_tally - count what came back because the guest needs it
 * @need: the guest's need
 * @returned: how much came back while the caller was at it, in base pages
 * @total: how much ever came back, likewise, modulo the word's size
 *
 * Does not sleep. What others have counted meanwhile is not counted twice.
 *
 * Return: how much was counted, in base pages.
 */
unsigned long need_tally(struct need *need, unsigned long returned, unsigned long total)
{
	unsigned long flags, count = 0;
	long fresh;

	spin_lock_irqsave(&need->lock, flags);
	fresh = total - need->tallied;
	if (fresh > 0) {
		count = min_t(unsigned long, returned, fresh);
		need->tallied = total;
	}
	spin_unlock_irqrestore(&need->lock, flags);
	tally_add(need->hold->tally, TALLY_TAKEN_BACK, count);
	return count;
}

static unsigned long need_more(struct need *need)
{
	unsigned long flags, count, available = source_available();

	spin_lock_irqsave(&need->lock, flags);
	count = relief_more(&need->relief, ktime_to_ms(ktime_get()), available,
			    hold_count(need->hold));
	spin_unlock_irqrestore(&need->lock, flags);
	return count;
}

static void need_gave(struct need *need, unsigned long count)
{
	unsigned long flags;

	spin_lock_irqsave(&need->lock, flags);
	relief_gave(&need->relief, ktime_to_ms(ktime_get()), count);
	spin_unlock_irqrestore(&need->lock, flags);
}

/**
 * need_relieve - give a guest that was short of memory, and goes on growing, more of it
 * @need: the guest's need
 * @tell: what the device is told
 *
 * Sleeps until the device has answered under MUST_TELL_HOST, or has room, for NEED_WAIT at
 * most; call it with no lock held. One batch at a time, before the guest runs out again.
 * Keeps the rules of deflate_memory().
 *
 * Return: true if the guest got something.
 */
bool need_relieve(struct need *need, struct tell *tell)
{
	unsigned long returned, count = min(need_more(need), room_batch_pages(tell));
	ktime_t begin = ktime_get();

	if (!count)
		return false;
	returned = deflate_memory(tell, count, TELL_RESERVE_RESCUE, tell_patience(tell, NEED_WAIT));
	need_gave(need, returned);
	returned = need_tally(need, returned, atomic_long_read(&tell->returned));
	trace_aerostat_relieve(need->device, need_bytes(count), need_bytes(returned), begin);
	return returned;
}

/**
 * need_lasts - whether the balloon has to hold off
 * @need: the guest's need
 *
 * Does not sleep.
 *
 * Return: true if so.
 */
bool need_lasts(struct need *need)
{
	unsigned long flags;
	bool lasts;

	spin_lock_irqsave(&need->lock, flags);
	lasts = need->relief.state == RELIEF_HOLDING_OFF;
	spin_unlock_irqrestore(&need->lock, flags);
	return lasts;
}

/**
 * need_look - look at how the guest fares
 * @need: the guest's need
 * @missing: how much the balloon would take, in base pages
 *
 * Process context, does not sleep.
 *
 * Return: when to look again, in ms; 0 if the balloon may grow.
 */
unsigned int need_look(struct need *need, unsigned long missing)
{
	struct relief_memory memory = { source_available(), NEED_ENOUGH_PAGES, missing };
	unsigned int look_ms, wait_ms;
	unsigned long flags;
	bool lasted;

	spin_lock_irqsave(&need->lock, flags);
	lasted = need->relief.state == RELIEF_HOLDING_OFF;
	look_ms = relief_look(&need->relief, ktime_to_ms(ktime_get()), &memory);
	wait_ms = need->relief.wait_ms;
	spin_unlock_irqrestore(&need->lock, flags);
	if (lasted && !look_ms)
		trace_aerostat_hold_off(need->device, true, wait_ms,
					need_bytes(memory.available), need_bytes(missing));
	return look_ms;
}
