// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon is emptied, because its driver leaves the device.
 *
 * The rule: as long as the device listens it is told, as when any memory comes back (O5).
 * What is left after its reset is the guest's without a word.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "deflate.h"
#include "empty.h"
#include "hold.h"
#include "room.h"
#include "source.h"
#include "tell.h"

/* How long the device may be silent, and take in all; in jiffies. */
#define EMPTY_SILENCE HZ
#define EMPTY_TIME (10 * HZ)

/**
 * empty_to_device - empty the balloon, as long as the device listens
 * @tell: what the device is told; the worker stopped, the device not yet reset
 *
 * Sleeps. Keeps rule O5 for a device that goes away in order. One that is silent for
 * EMPTY_SILENCE, or needs more than EMPTY_TIME for it all, is not waited for: what is left
 * is freed after the reset.
 */
void empty_to_device(struct tell *tell)
{
	unsigned long end = jiffies + EMPTY_TIME;

	deflate_tell_owed(tell, jiffies + EMPTY_SILENCE);
	while (hold_count(tell->hold) && tell_works(tell) && time_before(jiffies, end)) {
		if (deflate_memory(tell, room_batch_pages(tell), 0, jiffies + EMPTY_SILENCE))
			continue;
		if (tell_wait_answers(tell, jiffies))
			break;
		msleep(HOLD_ISOLATED_MS);
	}
	if (!tell_wait_inflated(tell, jiffies))
		tell_wait_deflated(tell, jiffies + EMPTY_SILENCE);
}

/**
 * empty_without_device - empty the balloon without a word
 * @hold: what the balloon holds; the worker stopped, the device reset
 *
 * Sleeps until compaction has let go of what it was moving.
 */
void empty_without_device(struct hold *hold)
{
	struct page *block;
	LIST_HEAD(pages);
	bool empty;

	do {
		empty = hold_is_empty(hold);
		while ((block = hold_get_block(hold))) {
			source_give_back_block(block);
			cond_resched();
		}
		while (hold_get(hold, &pages, TELL_PAGES))
			source_give_back(&pages);
		if (!empty)
			msleep(HOLD_ISOLATED_MS);
	} while (!empty);
}
