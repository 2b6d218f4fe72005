// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Some of the guest's memory is to be taken offline.
 *
 * The rule: what is held whole can't be moved, so it is given back. By now nobody can take
 * it again: the kernel has isolated the memory before it asks.
 */
#include <linux/memory.h>

#include "hint.h"
#include "offline.h"

static int offline_notify(struct notifier_block *notifier, unsigned long event, void *data)
{
	struct offline *offline = container_of(notifier, struct offline, notifier);
	struct memory_notify *memory = data;

	if (event == MEM_GOING_OFFLINE)
		hint_vacate(offline->hint, memory->start_pfn, memory->nr_pages);
	return NOTIFY_OK;
}

/**
 * offline_start - vacate from now on what is to be taken offline
 * @offline: giving back memory
 * @hint: free memory that a migration need not copy; prepared
 *
 * May sleep.
 *
 * Return: 0 or an error of the kernel's.
 */
int offline_start(struct offline *offline, struct hint *hint)
{
	offline->hint = hint;
	offline->notifier.notifier_call = offline_notify;
	return register_memory_notifier(&offline->notifier);
}

/**
 * offline_stop - be asked no more
 * @offline: giving back memory; started
 *
 * Sleeps until a call that is under way is over.
 */
void offline_stop(struct offline *offline)
{
	unregister_memory_notifier(&offline->notifier);
}
