// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device is told: which pages go to the host, and which come back.
 *
 * The rule: a page that was named is nobody's until the device has answered or has been
 * reset (O8). It waits with its request; a late answer is as good as a timely one. What
 * comes back is told before the guest uses it (O5), and under MUST_TELL_HOST answered
 * before (O6). Nothing is named while the device still owes an answer to what came back,
 * so that the two queues never disagree about a page.
 */
#include <linux/virtio_config.h>

#include "compat.h"
#include "hold.h"
#include "source.h"
#include "tell.h"

#define TELL_INFLATE_REQUESTS 32
#define TELL_DEFLATE_REQUESTS (32 + TELL_RESERVE_RESCUE)

/**
 * tell_prepare - allocate all that speaking to the device will need
 * @tell: what the device is told
 * @device: the device, its features negotiated
 * @hold: what the balloon holds
 * @on_inflate_answer: called under the inflate queue's lock after an answer
 * @on_deflate_answer: called under the deflate queue's lock after an answer
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int tell_prepare(struct tell *tell, struct virtio_device *device, struct hold *hold,
		 void (*on_inflate_answer)(struct queue *queue),
		 void (*on_deflate_answer)(struct queue *queue))
{
	struct queue_shape inflate = { TELL_INFLATE_REQUESTS, TELL_FRAMES * sizeof(__virtio32) };
	struct queue_shape deflate = { TELL_DEFLATE_REQUESTS, TELL_FRAMES * sizeof(__virtio32) };
	int error;

	tell->device = device;
	tell->hold = hold;
	tell->must_tell = virtio_has_feature(device, VIRTIO_BALLOON_F_MUST_TELL_HOST);
	error = queue_prepare(&tell->inflate, inflate, on_inflate_answer);
	if (error)
		return error;
	error = queue_prepare(&tell->deflate, deflate, on_deflate_answer);
	if (error)
		queue_free(&tell->inflate);
	return error;
}

/**
 * tell_free - free what tell_prepare() allocated
 * @tell: what the device is told; closed, forgotten
 *
 * May sleep.
 */
void tell_free(struct tell *tell)
{
	queue_free(&tell->deflate);
	queue_free(&tell->inflate);
}

/**
 * tell_close - say no more
 * @tell: what the device is told
 *
 * May sleep, for as long as a notification takes.
 */
void tell_close(struct tell *tell)
{
	queue_close(&tell->inflate);
	queue_close(&tell->deflate);
}

/**
 * tell_forget - the device was reset and knows of no page any more
 * @tell: what the device is told; closed
 *
 * Call it from process context with no lock held. Every page that was out with a request
 * is held or the guest's again.
 */
void tell_forget(struct tell *tell)
{
	queue_forget(&tell->inflate);
	queue_forget(&tell->deflate);
}

/**
 * tell_settle - let every answer so far take its effect
 * @tell: what the device is told
 *
 * Call it from process context with no lock held. Looks into the rings, too.
 */
void tell_settle(struct tell *tell)
{
	queue_look(&tell->inflate);
	queue_look(&tell->deflate);
	queue_settle(&tell->inflate);
	queue_settle(&tell->deflate);
}

/**
 * tell_works - whether the device can be told anything
 * @tell: what the device is told
 *
 * Does not sleep.
 *
 * Return: false if the device is broken, or nothing may be said any more.
 */
bool tell_works(struct tell *tell)
{
	return queue_works(&tell->inflate) && queue_works(&tell->deflate);
}

/**
 * tell_wait_inflated - wait until all that was named has been acknowledged
 * @tell: what the device is told
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps; call it with no lock held. A page that compaction moves counts too.
 *
 * Return: 0, -ETIMEDOUT or -EIO, as queue_wait().
 */
int tell_wait_inflated(struct tell *tell, unsigned long limit)
{
	return queue_wait_quiet(&tell->inflate, limit);
}

static void tell_note_silence(struct tell *tell, bool waited, int error)
{
	if (!error)
		WRITE_ONCE(tell->silent, false);
	else if (waited && error == -ETIMEDOUT)
		WRITE_ONCE(tell->silent, true);
}

/**
 * tell_wait_deflated - wait for the answers to all that was told to come back
 * @tell: what the device is told
 * @limit: the moment, in jiffies, when waiting ends at the latest; past: do not wait
 *
 * Sleeps; call it with no lock held.
 *
 * Return: 0, -ETIMEDOUT or -EIO, as queue_wait().
 */
int tell_wait_deflated(struct tell *tell, unsigned long limit)
{
	bool waits = time_before(jiffies, limit);
	int error = queue_wait_quiet(&tell->deflate, limit);

	tell_note_silence(tell, waits, error);
	return error;
}

/**
 * tell_patience - until when to wait for answers to what came back
 * @tell: what the device is told
 * @wait: how long, in jiffies, if the device is not known to be silent
 *
 * Does not wait, but looks into the ring and settles what was answered. Who comes page by
 * page, or while memory is short, must not wait each time for a device that lets others
 * wait in vain already.
 *
 * Return: a moment in jiffies.
 */
unsigned long tell_patience(struct tell *tell, unsigned long wait)
{
	if (READ_ONCE(tell->silent) && tell_wait_deflated(tell, jiffies))
		return jiffies;
	return jiffies + wait;
}

/**
 * tell_can_name - whether a page has a frame number of 32 bits
 * @page: a base page
 *
 * Does not sleep, takes no lock.
 *
 * Return: false for memory above 16 TiB, of which the protocol can't speak.
 */
bool tell_can_name(struct page *page)
{
	return (page_to_phys(page) >> UNIT_SHIFT) + UNITS_PER_PAGE - 1 <= U32_MAX;
}

/**
 * tell_fill - write a page's frame numbers into a request
 * @tell: what the device is told
 * @request: a request of either queue that the caller has taken
 * @page: a base page that tell_can_name()
 *
 * Does not sleep, takes no lock. The device reads them in its own byte order.
 */
void tell_fill(struct tell *tell, struct request *request, struct page *page)
{
	__virtio32 *frames = request->buffer + request->length;
	u32 first = page_to_phys(page) >> UNIT_SHIFT;
	unsigned int i;

	for (i = 0; i < UNITS_PER_PAGE; i++)
		frames[i] = cpu_to_virtio32(tell->device, first + i);
	request->length += i * sizeof(*frames);
}

static struct request *tell_take(struct tell *tell, struct queue *queue, unsigned int reserve)
{
	struct request *request = queue_take(queue, reserve);

	if (request) {
		request->owner = tell;
		request->length = 0;
	}
	return request;
}

/* Whether a request can be taken, as queue_wait() asks it. */
struct tell_wish {
	struct queue *queue;
	unsigned int reserve;
};

static bool tell_wish_is_true(void *argument)
{
	struct tell_wish *wish = argument;

	return queue_has_room(wish->queue, wish->reserve);
}

static struct request *tell_take_wait(struct tell *tell, struct queue *queue,
				      unsigned int reserve, unsigned long limit)
{
	struct tell_wish wish = { queue, reserve };
	bool waits = time_before(jiffies, limit);
	struct request *request = NULL;
	int error = 0;

	queue_kick(queue);
	while (!request && !error) {
		error = queue_wait(queue, tell_wish_is_true, &wish, limit);
		request = tell_take(tell, queue, reserve);
	}
	if (error && queue == &tell->deflate)
		tell_note_silence(tell, waits, error);
	return request;
}

static void tell_settle_inflate(struct request *request)
{
	struct tell *tell = request->owner;

	hold_admit(tell->hold, &request->pages, request->count);
}

static void tell_settle_deflate(struct request *request)
{
	struct tell *tell = request->owner;

	atomic_long_add(source_give_back(&request->pages), &tell->returned);
}

static int tell_name(struct tell *tell, struct request *request, struct list_head *pages)
{
	struct page *page, *next;
	int error;

	request->settle = tell_settle_inflate;
	list_for_each_entry_safe(page, next, pages, lru) {
		if (request->count == TELL_PAGES || !tell_can_name(page))
			break;
		tell_fill(tell, request, page);
		list_move_tail(&page->lru, &request->pages);
		request->count++;
	}
	error = request->count ? 0 : -ERANGE;
	if (!error) {
		hold_name(tell->hold, request->count);
		error = queue_post(&tell->inflate, request);
		if (error)
			hold_name(tell->hold, -(long)request->count);
	}
	if (error) {
		list_splice_init(&request->pages, pages);
		queue_put(&tell->inflate, request);
	}
	return error;
}

static bool tell_is_acknowledged(void *tell)
{
	return !hold_named(((struct tell *)tell)->hold);
}

/**
 * tell_inflate - give pages to the host
 * @tell: what the device is told
 * @pages: base pages that nobody else uses; empty afterwards
 * @limit: the moment, in jiffies, when waiting for the device ends at the latest
 *
 * Sleeps; call it with no lock held. Keeps rules O8 and O10's order: what was acknowledged
 * is held afterwards, what was named and not answered stays out of use with its request
 * until it is, and what could not be named went back to the guest.
 *
 * Return: 0 if all is held; -ETIMEDOUT if the device has not answered; -EIO if it can't;
 * -ERANGE if a page has no frame number of 32 bits.
 */
int tell_inflate(struct tell *tell, struct list_head *pages, unsigned long limit)
{
	struct request *request;
	int error, quiet;

	error = tell_wait_deflated(tell, limit);
	while (!error && !list_empty(pages)) {
		request = tell_take(tell, &tell->inflate, TELL_RESERVE_MOVING);
		if (!request)
			request = tell_take_wait(tell, &tell->inflate, TELL_RESERVE_MOVING, limit);
		error = request ? tell_name(tell, request, pages) : -ETIMEDOUT;
	}
	queue_kick(&tell->inflate);
	quiet = queue_wait(&tell->inflate, tell_is_acknowledged, tell, limit);
	source_give_back(pages);
	return error ?: quiet;
}

static unsigned long tell_let_go(struct tell *tell, struct request *request,
				 unsigned long want, struct list_head *free)
{
	struct page *page;
	unsigned long count;
	LIST_HEAD(pages);

	count = hold_get(tell->hold, &pages, min(want, TELL_PAGES));
	list_for_each_entry(page, &pages, lru)
		tell_fill(tell, request, page);
	request->settle = tell_settle_deflate;
	request->count = count;
	if (tell->must_tell)
		list_splice_init(&pages, &request->pages);

	if (count && !queue_post(&tell->deflate, request)) {
		list_splice_tail(&pages, free);
		return count;
	}
	list_splice_init(&request->pages, &pages);
	if (count)
		hold_put(tell->hold, &pages, count);
	queue_put(&tell->deflate, request);
	return 0;
}

static void tell_free_told(struct tell *tell, struct list_head *free)
{
	queue_kick(&tell->deflate);
	atomic_long_add(source_give_back(free), &tell->returned);
}

/**
 * tell_deflate - give pages from the balloon back to the guest
 * @tell: what the device is told
 * @count: how many base pages
 * @reserve: how many requests to leave for others
 * @limit: the moment, in jiffies, when waiting for the device ends at the latest
 *
 * With @limit in the past it does not wait for the device; it never allocates and takes
 * only locks that nobody holds while waiting, so the out-of-memory path may call it. With
 * @limit ahead it may sleep. Keeps rules O5, O6, O7 and O9: the device is told, and under
 * MUST_TELL_HOST pages that it has not acknowledged by @limit come back when it does.
 *
 * Return: base pages that came back to the guest meanwhile, through whomever.
 */
unsigned long tell_deflate(struct tell *tell, unsigned long count, unsigned int reserve,
			   unsigned long limit)
{
	long before = atomic_long_read(&tell->returned);
	struct request *request;
	unsigned long gone;
	LIST_HEAD(free);

	while (count) {
		request = tell_take(tell, &tell->deflate, reserve);
		if (!request) {
			tell_free_told(tell, &free);
			request = tell_take_wait(tell, &tell->deflate, reserve, limit);
		}
		gone = request ? tell_let_go(tell, request, count, &free) : 0;
		if (!gone)
			break;
		count -= gone;
	}
	tell_free_told(tell, &free);
	if (tell->must_tell)
		tell_wait_deflated(tell, limit);
	return atomic_long_read(&tell->returned) - before;
}
