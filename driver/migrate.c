// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Base pages in the balloon that compaction moves: the host gets the new page and gives
 * the old one back, of which it is told if it was named by its frame number.
 *
 * The rule: a mover holds nothing but its two pages, waits for the device a short while, or
 * not at all if it may not, and then leaves, for compaction may have been started by the
 * balloon's own allocation. By then the new page has been named and can't go back to
 * compaction, so it joins the balloon, where it stays until the answer (see hold); the old
 * one stays out of use until the device was told of it. One move at a time: the next is
 * refused with -EAGAIN, which compaction tries again at once, or -EBUSY, which it does
 * not, while the device is silent, or memory is being named and the move can do without.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "await.h"
#include "compat.h"
#include "hold.h"
#include "migrate.h"
#include "name.h"
#include "notify.h"
#include "tell.h"
#include "trace.h"

/* How long a mover waits for the device, in jiffies. */
#define MIGRATE_WAIT (HZ / 5 ?: 1)

static enum migrate_state migrate_change(struct migrate *migrate, enum migrate_state from,
					 enum migrate_state to)
{
	enum migrate_state found;
	unsigned long flags;

	spin_lock_irqsave(&migrate->lock, flags);
	found = migrate->state;
	if (found == from)
		WRITE_ONCE(migrate->state, to);
	spin_unlock_irqrestore(&migrate->lock, flags);
	return found;
}

static void migrate_settle_old(struct request *request)
{
	if (request->block)
		put_page(request->block);
}

static int migrate_tell_old(struct migrate *migrate)
{
	struct request *request = migrate->deflate;
	struct tell *tell = migrate->tell;
	int error;

	name_frames(tell, request, migrate->old, 1);
	request->block = tell->must_tell ? migrate->old : NULL;
	request->settle = migrate_settle_old;
	error = queue_post(&tell->deflate, request);
	if (!error)
		notify_device(&tell->deflate);
	return error;
}

static void migrate_finish(struct migrate *migrate)
{
	struct tell *tell = migrate->tell;
	struct page *old = migrate->old;

	/* What can't be told stays as it is until the reset: see migrate_forget(). */
	if (tell->way == TELL_BY_FRAMES && migrate_tell_old(migrate))
		return;
	if (!tell->must_tell)
		put_page(old);
	migrate_change(migrate, MIGRATE_OWED, MIGRATE_IDLE);
}

static void migrate_settle_new(struct request *request)
{
	struct migrate *migrate = request->owner;

	early_acknowledge(&migrate->hold->early);
	if (migrate_change(migrate, MIGRATE_NAMED, MIGRATE_ACKNOWLEDGED) == MIGRATE_OWED)
		migrate_finish(migrate);
}

static bool migrate_is_answered(void *migrate)
{
	return READ_ONCE(((struct migrate *)migrate)->state) != MIGRATE_NAMED;
}

static int migrate_name(struct migrate *migrate, struct request *inflate, struct page *new)
{
	struct queue *queue = tell_naming_queue(migrate->tell);
	int error;

	inflate->owner = migrate;
	inflate->settle = migrate_settle_new;
	name_page(migrate->tell, inflate, new);
	if (!early_await(&migrate->hold->early, new))
		return -EBUSY;
	error = queue_post(queue, inflate);
	if (error)
		early_acknowledge(&migrate->hold->early);
	else
		notify_device(queue);
	return error;
}

static void migrate_put(struct migrate *migrate, struct request *inflate)
{
	if (inflate)
		queue_put(tell_naming_queue(migrate->tell), inflate);
	if (migrate->deflate)
		queue_put(&migrate->tell->deflate, migrate->deflate);
	migrate->deflate = NULL;
}

/* Returns NULL, and takes nothing, unless there is room for all that a move needs. */
static struct request *migrate_take(struct migrate *migrate)
{
	struct tell *tell = migrate->tell;
	struct request *inflate = queue_take(tell_naming_queue(tell), 0);

	if (tell->way == TELL_BY_RANGES)
		return inflate;
	migrate->deflate = queue_take(&tell->deflate, 0);
	if (inflate && migrate->deflate)
		return inflate;
	migrate_put(migrate, inflate);
	return NULL;
}

static int migrate_begin(struct migrate *migrate, struct page *new, struct page *old)
{
	struct request *inflate;
	enum migrate_state found;
	int error = -EAGAIN;

	if (!name_is_possible(migrate->tell, new, 1))
		return -EBUSY;
	found = migrate_change(migrate, MIGRATE_IDLE, MIGRATE_NAMED);
	if (found != MIGRATE_IDLE)
		return found == MIGRATE_OWED ? -EBUSY : -EAGAIN;

	inflate = migrate_take(migrate);
	if (inflate) {
		get_page(old);
		migrate->old = old;
		if (!migrate_name(migrate, inflate, new))
			return 0;
		put_page(old);
		migrate_put(migrate, inflate);
		error = -EBUSY;
	}
	migrate_change(migrate, MIGRATE_NAMED, MIGRATE_IDLE);
	return error;
}

static int migrate_try(struct migrate *migrate, struct page *new, struct page *old,
		       unsigned long wait)
{
	struct tell *tell = migrate->tell;
	int error;

	/* The new page may be one that came back just now. */
	if (!owed_is_empty(&tell->owed) ||
	    tell_wait_deflated(tell, tell_patience(tell, wait)))
		return -EBUSY;
	error = migrate_begin(migrate, new, old);
	if (error)
		return error;

	await(tell_naming_queue(tell), migrate_is_answered, migrate, jiffies + wait);
	if (migrate_change(migrate, MIGRATE_NAMED, MIGRATE_OWED) == MIGRATE_ACKNOWLEDGED) {
		migrate_change(migrate, MIGRATE_ACKNOWLEDGED, MIGRATE_OWED);
		migrate_finish(migrate);
	}
	return 0;
}

/* Compaction in the background only slows a balloon that grows, and is undone by it. */
static bool migrate_is_untimely(struct migrate *migrate, enum migrate_mode mode)
{
	return mode != MIGRATE_SYNC && READ_ONCE(migrate->tell->taking);
}

static int migrate_page(struct balloon_dev_info *info, struct page *new, struct page *old,
			enum migrate_mode mode)
{
	struct hold *hold = container_of(info, struct hold, pages);
	struct migrate *migrate = hold->migrate;
	int error = -EBUSY;

	if (!migrate_is_untimely(migrate, mode))
		error = migrate_try(migrate, new, old, mode == MIGRATE_ASYNC ? 0 : MIGRATE_WAIT);
	if (!error)
		tally_add(hold->tally, TALLY_MIGRATED, 1);
	trace_aerostat_migrate(migrate->tell->device, page_to_pfn(old), page_to_pfn(new), error);
	return error;
}

/**
 * migrate_prepare - let compaction move what the balloon holds
 * @migrate: base pages that compaction moves
 * @tell: what the device is told
 * @hold: what the balloon holds, still empty
 *
 * Does not sleep.
 */
void migrate_prepare(struct migrate *migrate, struct tell *tell, struct hold *hold)
{
	migrate->tell = tell;
	migrate->hold = hold;
	spin_lock_init(&migrate->lock);
	hold->migrate = migrate;
	hold->pages.migratepage = migrate_page;
}

/**
 * migrate_keeps_page - whether a page that was moved away is still out of use
 * @migrate: base pages that compaction moves
 *
 * Does not sleep, takes no lock.
 *
 * Return: true if it waits for the device, or for its reset.
 */
bool migrate_keeps_page(struct migrate *migrate)
{
	return READ_ONCE(migrate->state) == MIGRATE_OWED;
}

/**
 * migrate_forget - the device was reset: finish the move that it did not let finish
 * @migrate: base pages that compaction moves; the balloon is empty
 *
 * Does not sleep.
 */
void migrate_forget(struct migrate *migrate)
{
	if (migrate_change(migrate, MIGRATE_OWED, MIGRATE_IDLE) != MIGRATE_OWED)
		return;
	put_page(migrate->old);
	migrate_put(migrate, NULL);
}
