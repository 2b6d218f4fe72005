// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Some of the guest's memory is to be taken offline.
 *
 * The rule: what is held whole can't be moved, so it is given back, and the worker makes
 * up for it elsewhere. By now nobody can take it again: the kernel has isolated the memory
 * before it asks. Base pages in the balloon the kernel moves by itself, and tries for ever;
 * that takes a device which answers, so with one that does not the kernel is told no. The
 * device is waited for a short while.
 */
#include <linux/jiffies.h>
#include <linux/memory.h>
#include <linux/mm.h>

#include "compat.h"
#include "deflate.h"
#include "hint.h"
#include "hold.h"
#include "offline.h"
#include "resize.h"
#include "tell.h"

/* How long to wait for the device in all, in jiffies. */
#define OFFLINE_WAIT (HZ / 5 ?: 1)

static bool offline_has_balloon(struct memory_notify *memory)
{
	unsigned long i;

	for (i = 0; i < memory->nr_pages; i++)
		if (page_is_offline(pfn_to_page(memory->start_pfn + i)))
			return true;
	return false;
}

static bool offline_is_stuck(struct offline *offline, struct memory_notify *memory)
{
	struct tell *tell = offline->tell;

	if (tell_works(tell) && !resize_is_silent(offline->resize))
		return false;
	if (tell->must_tell && tell_unanswered(tell))
		return true;
	return !hold_is_acknowledged(tell->hold) || offline_has_balloon(memory);
}

static int offline_notify(struct notifier_block *notifier, unsigned long event, void *data)
{
	struct offline *offline = container_of(notifier, struct offline, notifier);
	struct memory_notify *memory = data;

	if (event != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
	hint_vacate(offline->hint, memory->start_pfn, memory->nr_pages);
	deflate_within(offline->tell, memory->start_pfn, memory->nr_pages,
		       tell_patience(offline->tell, OFFLINE_WAIT));
	resize_wake(offline->resize);
	return notifier_from_errno(offline_is_stuck(offline, memory) ? -EBUSY : 0);
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
