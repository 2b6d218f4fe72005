// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Free memory that a migration need not copy.
 *
 * A round is opened by the device's command and by our repeating it, and closed by STOP.
 * In between free blocks are named, the largest first. A block that was named is kept, so
 * that nobody makes it worth copying again, until DONE. A new round names again what is
 * kept: the host may have seen it change while it was taken from the guest.
 *
 * The rule: a block is nobody's until the device has acknowledged it. Then the guest may
 * have it back at any time, filled anew unless the device said DONE (H5), through the
 * kernel's shrinker. A guest that takes one back, or has little free memory, supplies no
 * more in this round. Only the worker speaks to the device.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/virtio_config.h>

#include "hint.h"
#include "mark.h"
#include "notify.h"
#include "source.h"
#include "tally.h"
#include "trace.h"

/* How many blocks the device can have unanswered, and room for a command beside them. */
#define HINT_BLOCKS 16
#define HINT_COMMANDS 4

/* Larger blocks are too much at once, smaller ones are not worth a request. */
#define HINT_LARGEST_ORDER min_t(unsigned int, MAX_PAGE_ORDER, get_order(SZ_4M))
#define HINT_SMALLEST_ORDER max(get_order(SZ_64K), 2)

static void hint_poke(struct hint *hint, bool read_command)
{
	unsigned long flags;

	spin_lock_irqsave(&hint->lock, flags);
	if (hint->state != HINT_STOPPED) {
		hint->read_command |= read_command;
		queue_work(hint->workqueue, &hint->work);
	}
	spin_unlock_irqrestore(&hint->lock, flags);
}

static void hint_on_answer(struct queue *queue)
{
	hint_poke(container_of(queue, struct hint, queue), false);
}

static bool hint_is(struct hint *hint, enum hint_state state)
{
	return READ_ONCE(hint->state) == state;
}

static bool hint_move(struct hint *hint, enum hint_state from, enum hint_state to)
{
	unsigned long flags;
	bool moves;

	spin_lock_irqsave(&hint->lock, flags);
	moves = hint->state == from;
	if (moves)
		WRITE_ONCE(hint->state, to);
	spin_unlock_irqrestore(&hint->lock, flags);
	return moves;
}

static struct page *hint_get(struct hint *hint, struct page *(*get)(struct keep *keep))
{
	struct page *block;
	unsigned long flags;

	spin_lock_irqsave(&hint->lock, flags);
	block = get(&hint->keep);
	spin_unlock_irqrestore(&hint->lock, flags);
	return block;
}

static void hint_release_all(struct hint *hint)
{
	struct page *block;

	while ((block = hint_get(hint, keep_get))) {
		source_give_back_block(block);
		cond_resched();
	}
}

static void hint_settle_block(struct request *request)
{
	struct hint *hint = request->owner;
	struct page *block = list_first_entry(&request->blocks, struct page, lru);
	unsigned long flags;
	bool kept;

	list_del(&block->lru);
	spin_lock_irqsave(&hint->lock, flags);
	kept = hint->state != HINT_IDLE;
	if (kept)
		keep_put(&hint->keep, block);
	spin_unlock_irqrestore(&hint->lock, flags);
	if (!kept) {
		keep_mark(block, 0);
		source_give_back_block(block);
	}
}

static struct page *hint_take(struct hint *hint)
{
	struct page *block = NULL;

	while (source_has_free(1UL << hint->order)) {
		block = source_take_block(hint->order);
		if (block || hint->order == HINT_SMALLEST_ORDER)
			break;
		hint->order--;
	}
	if (block)
		mark_block(block, 1, block_pages(block));
	return block;
}

static bool hint_name(struct hint *hint, struct request *request)
{
	struct page *block = hint_get(hint, keep_get_stale) ?: hint_take(hint);

	if (!block)
		return false;
	request->owner = hint;
	request->settle = hint_settle_block;
	keep_mark(block, hint->keep.round);
	queue_name(&hint->queue, request, block, PAGE_SIZE << block_order(block));
	list_add(&block->lru, &request->blocks);
	if (!queue_post(&hint->queue, request)) {
		tally_add(hint->tally, TALLY_HINTED, block_pages(block));
		trace_aerostat_hint(hint->device, hint->keep.round,
				    PAGE_SIZE << block_order(block));
		return true;
	}
	hint_settle_block(request);
	return false;
}

/* Returns false if it can't go on now: for lack of room, or because the round is over. */
static bool hint_supply(struct hint *hint)
{
	struct request *request = NULL;
	unsigned int i;
	bool named = hint->command == hint->keep.round;

	for (i = 0; named && i < HINT_BLOCKS && hint_is(hint, HINT_SUPPLYING); i++) {
		request = queue_take(&hint->queue, HINT_COMMANDS);
		if (!request)
			break;
		named = hint_name(hint, request);
		if (!named)
			queue_put(&hint->queue, request);
		cond_resched();
	}
	notify_device(&hint->queue);
	if (!named || !queue_works(&hint->queue))
		hint_move(hint, HINT_SUPPLYING, HINT_ENDING);
	return request && hint_is(hint, HINT_SUPPLYING);
}

static bool hint_send(struct hint *hint, u32 command)
{
	struct request *request = queue_take(&hint->queue, 0);
	__virtio32 *buffer;

	if (!request)
		return false;
	buffer = request->buffer;
	*buffer = cpu_to_virtio32(hint->device, command);
	request->length = sizeof(*buffer);
	if (queue_post(&hint->queue, request)) {
		queue_put(&hint->queue, request);
		return false;
	}
	notify_device(&hint->queue);
	return true;
}

/* Not if the driver is leaving: the command was sent, and the reset takes it back. */
static bool hint_open_round(struct hint *hint)
{
	bool opens;

	hint->order = HINT_LARGEST_ORDER;
	spin_lock_irq(&hint->lock);
	opens = hint->state != HINT_STOPPED;
	if (opens) {
		hint->keep.round = hint->command;
		WRITE_ONCE(hint->state, HINT_SUPPLYING);
	}
	spin_unlock_irq(&hint->lock);
	return opens;
}

static void hint_finish(struct hint *hint)
{
	hint_release_all(hint);
	spin_lock_irq(&hint->lock);
	hint->keep.round = VIRTIO_BALLOON_CMD_ID_STOP;
	if (hint->state == HINT_KEEPING)
		WRITE_ONCE(hint->state, HINT_IDLE);
	spin_unlock_irq(&hint->lock);
}

/* Returns whether there is more to do at once. */
static bool hint_step(struct hint *hint)
{
	bool is_round = hint->command > VIRTIO_BALLOON_CMD_ID_DONE;
	bool supplies = hint_is(hint, HINT_SUPPLYING) && hint_supply(hint);

	if (hint_is(hint, HINT_ENDING) &&
	    (hint_send(hint, VIRTIO_BALLOON_CMD_ID_STOP) || !queue_works(&hint->queue)))
		hint_move(hint, HINT_ENDING, HINT_KEEPING);
	if (hint->command == VIRTIO_BALLOON_CMD_ID_DONE)
		hint_finish(hint);
	if (!is_round || hint->command == hint->keep.round)
		return supplies;
	if (!hint_is(hint, HINT_IDLE) && !hint_is(hint, HINT_KEEPING))
		return supplies;
	return hint_send(hint, hint->command) && hint_open_round(hint);
}

/* Returns whether the device may have changed its mind. */
static bool hint_read_command(struct hint *hint)
{
	bool read;

	spin_lock_irq(&hint->lock);
	read = hint->read_command;
	hint->read_command = false;
	spin_unlock_irq(&hint->lock);
	if (read)
		virtio_cread_le(hint->device, struct virtio_balloon_config,
				free_page_hint_cmd_id, &hint->command);
	return read;
}

static void hint_work(struct work_struct *work)
{
	struct hint *hint = container_of(work, struct hint, work);
	bool changed, more;

	queue_look(&hint->queue);
	queue_settle(&hint->queue);
	changed = hint_read_command(hint);
	more = hint_step(hint);
	/* QEMU looks at an open round by itself, and forgets what is left when it moves away. */
	if (changed && !hint_is(hint, HINT_SUPPLYING))
		notify_unasked(&hint->queue);
	if (more)
		hint_poke(hint, false);
}

static unsigned long hint_count(struct shrinker *shrinker, struct shrink_control *control)
{
	struct hint *hint = shrinker->private_data;

	return READ_ONCE(hint->keep.blocks.pages);
}

static unsigned long hint_shrink(struct shrinker *shrinker, struct shrink_control *control)
{
	struct hint *hint = shrinker->private_data;
	unsigned long released = 0;
	struct page *block;

	if (hint_move(hint, HINT_SUPPLYING, HINT_ENDING))
		hint_poke(hint, false);
	while (released < control->nr_to_scan && (block = hint_get(hint, keep_get))) {
		released += block_pages(block);
		mm_account_reclaimed_pages(block_pages(block));
		keep_release(block);
	}
	return released ?: SHRINK_STOP;
}

/**
 * hint_vacate - give back what is kept of some memory, which is to be taken offline
 * @hint: free memory that a migration need not copy
 * @first: the first frame of that memory
 * @count: how many frames it has
 *
 * Process context, no lock held. What the device has not acknowledged stays, and keeps the
 * memory from going offline.
 */
void hint_vacate(struct hint *hint, unsigned long first, unsigned long count)
{
	unsigned long frame, step = 1UL << HINT_SMALLEST_ORDER;
	struct page *block;

	for (frame = ALIGN(first, step); frame + step <= first + count; frame += step) {
		spin_lock_irq(&hint->lock);
		block = keep_get_at(&hint->keep, pfn_to_page(frame));
		spin_unlock_irq(&hint->lock);
		if (block)
			keep_release(block);
		cond_resched();
	}
}

static int hint_register_shrinker(struct hint *hint)
{
	if (!virtio_has_feature(hint->device, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		return 0;
	hint->shrinker = shrinker_alloc(0, "%s-hint", dev_name(&hint->device->dev));
	if (!hint->shrinker)
		return -ENOMEM;
	hint->shrinker->count_objects = hint_count;
	hint->shrinker->scan_objects = hint_shrink;
	hint->shrinker->batch = 1L << HINT_LARGEST_ORDER;
	hint->shrinker->private_data = hint;
	shrinker_register(hint->shrinker);
	return 0;
}

/**
 * hint_prepare - allocate all that hinting will need but the blocks
 * @hint: free memory that a migration need not copy
 * @device: the device, its features negotiated
 * @tally: what has happened so far
 * @workqueue: where to work; freezable
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int hint_prepare(struct hint *hint, struct virtio_device *device, struct tally *tally,
		 struct workqueue_struct *workqueue)
{
	struct request_shape shape = { HINT_BLOCKS + HINT_COMMANDS, sizeof(__virtio32), 1 };
	int error;

	hint->device = device;
	hint->tally = tally;
	hint->workqueue = workqueue;
	INIT_WORK(&hint->work, hint_work);
	spin_lock_init(&hint->lock);
	keep_prepare(&hint->keep);
	error = queue_prepare(&hint->queue, shape, hint_on_answer);
	if (error)
		return error;
	error = hint_register_shrinker(hint);
	if (error)
		queue_free(&hint->queue);
	return error;
}

/**
 * hint_free - free what hint_prepare() allocated
 * @hint: free memory that a migration need not copy; stopped, forgotten
 *
 * May sleep.
 */
void hint_free(struct hint *hint)
{
	shrinker_free(hint->shrinker);
	queue_free(&hint->queue);
}

/**
 * hint_start - do as the device commands from now on
 * @hint: free memory that a migration need not copy; the device ready
 *
 * Does not sleep. Does nothing if FREE_PAGE_HINT was not negotiated. Keeps rules H1 to H6
 * from here.
 */
void hint_start(struct hint *hint)
{
	if (!virtio_has_feature(hint->device, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		return;
	hint->command = VIRTIO_BALLOON_CMD_ID_STOP;
	spin_lock_irq(&hint->lock);
	hint->keep.round = VIRTIO_BALLOON_CMD_ID_STOP;
	WRITE_ONCE(hint->state, HINT_IDLE);
	spin_unlock_irq(&hint->lock);
	hint_wake(hint);
}

/**
 * hint_wake - the device may have a new command
 * @hint: free memory that a migration need not copy; waking a stopped one does nothing
 *
 * Does not sleep; any context.
 */
void hint_wake(struct hint *hint)
{
	hint_poke(hint, true);
}

/**
 * hint_stop - name no more blocks
 * @hint: free memory that a migration need not copy; stopping a stopped one does nothing
 *
 * Sleeps until the step under way is over, which the device can't delay.
 */
void hint_stop(struct hint *hint)
{
	spin_lock_irq(&hint->lock);
	WRITE_ONCE(hint->state, HINT_STOPPED);
	spin_unlock_irq(&hint->lock);
	cancel_work_sync(&hint->work);
	queue_close(&hint->queue);
}

/**
 * hint_forget - the device was reset: every block is the guest's
 * @hint: free memory that a migration need not copy; stopped
 *
 * Sleeps; call it from process context with no spinlock held. The device did not say DONE
 * for what is still kept, so that is filled anew: rule H5.
 */
void hint_forget(struct hint *hint)
{
	struct page *block;

	queue_forget(&hint->queue);
	while ((block = hint_get(hint, keep_get))) {
		keep_release(block);
		cond_resched();
	}
}
