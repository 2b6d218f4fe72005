// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Some of the guest's memory is to be taken offline.
 *
 * The rule: what is held whole can't be moved, so it is given back, and the worker makes
 * up for it elsewhere. By now nobody can take it again: the kernel has isolated the memory
 * before it asks. All else the kernel moves by itself, or waits for, and tries for ever;
 * that takes a device which answers. So it is waited for a short while, and with one that
 * owes an answer then the kernel is told no.
 */
#include <linux/jiffies.h>
#include <linux/memory.h>
#include <linux/mm.h>

#include "compat.h"
#include "deflate.h"
#include "hint.h"
#include "hold.h"
#include "migrate.h"
#include "offline.h"
#include "resize.h"
#include "tell.h"

/* How long to wait for the device in all, in jiffies, and what is long for an answer, in ms. */
#define OFFLINE_WAIT (HZ * 5 / 4)
#define OFFLINE_LONG_MS 1000

static bool offline_has_balloon(struct memory_notify *memory)
{
	unsigned long i;

	for (i = 0; i < memory->nr_pages; i++)
		if (page_is_offline(pfn_to_page(memory->start_pfn + i)))
			return true;
	return false;
}

static bool offline_is_silent(struct offline *offline)
{
	return !tell_works(offline->tell) || tell_is_overdue(offline->tell, OFFLINE_LONG_MS);
}

/* Memory that waits for the device may be any. */
static bool offline_waits_in_vain(struct offline *offline)
{
	struct tell *tell = offline->tell;

	return offline_is_silent(offline) &&
	       (tell_keeps_memory(tell) || migrate_keeps_page(tell->hold->migrate));
}

static bool offline_moves_in_vain(struct offline *offline, struct memory_notify *memory)
{
	return offline_is_silent(offline) && hold_count(offline->tell->hold) &&
	       offline_has_balloon(memory);
}

static bool offline_vacate(struct offline *offline, struct memory_notify *memory)
{
	unsigned long limit = jiffies + OFFLINE_WAIT;
	struct tell *tell = offline->tell;

	if (offline_waits_in_vain(offline))
		return false;
	hint_vacate(offline->hint, memory->start_pfn, memory->nr_pages);
	deflate_within(tell, memory->start_pfn, memory->nr_pages, limit);
	tell_wait_quiet(tell, limit);
	resize_wake(offline->resize);
	return !offline_waits_in_vain(offline) && !offline_moves_in_vain(offline, memory);
}

static int offline_notify(struct notifier_block *notifier, unsigned long event, void *data)
{
	struct offline *offline = container_of(notifier, struct offline, notifier);
	struct memory_notify *memory = data;

	if (event != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
	return notifier_from_errno(offline_vacate(offline, memory) ? 0 : -EBUSY);
}

/**
 * offline_prepare - know what may have to be given back
 * @offline: giving back memory
 * @tell: what the device is told
 * @hint: free memory that a migration need not copy
 * @resize: the worker
 *
 * Does not sleep.
 */
void offline_prepare(struct offline *offline, struct tell *tell, struct hint *hint,
		     struct resize *resize)
{
	offline->tell = tell;
	offline->hint = hint;
	offline->resize = resize;
	offline->notifier.notifier_call = offline_notify;
}

/**
 * offline_start - vacate from now on what is to be taken offline
 * @offline: giving back memory; prepared
 *
 * May sleep.
 *
 * Return: 0 or an error of the kernel's.
 */
int offline_start(struct offline *offline)
{
	return register_memory_notifier(&offline->notifier);
}

/**
 * offline_stop - be asked no more
 * @offline: giving back memory; started
 *
 * Sleeps until a call that is under way is over, which the device can delay by a few times
 * OFFLINE_WAIT at most.
 */
void offline_stop(struct offline *offline)
{
	unregister_memory_notifier(&offline->notifier);
}
