// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host: it sees requests, owns what they name, scribbles on it, and answers as it
 * was told to.
 *
 * The rule: what the host owns it may overwrite at any moment, and it overwrites nothing
 * else. A reset ends everything and waits for the host to let go. The host works under
 * one lock and allocates nothing while it works.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/random.h>
#include <linux/stop_machine.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>

#include "frames.h"
#include "host.h"
#include "ranges.h"

#define LOG_LINES 8192
#define VIOLATION_LINES 256

/* Random moments of scribbling: how many pages each time, and at most how long between. */
#define SCRIBBLE_PAGES 1024
#define SCRIBBLE_MS 60

/**
 * struct conversation - what the host does with one queue's requests
 * @see: the device takes a request
 * @answer: the device gives it back
 */
struct conversation {
	void (*see)(struct host *host, const struct chain *chain);
	void (*answer)(struct host *host, const struct chain *chain);
};

static const struct conversation conversations[HOST_QUEUES] = {
	[HOST_INFLATE] = { frames_see_inflated, frames_answer_inflated },
	[HOST_DEFLATE] = { frames_see_deflated, frames_answer_deflated },
	[HOST_STATISTICS] = { statistics_see, statistics_answer },
	[HOST_HINT] = { hints_see, hints_answer },
	[HOST_REPORT] = { reports_see, reports_answer },
};

/* As the logs call them. */
const char * const host_queue_names[] = {
	[HOST_INFLATE] = "inflate",
	[HOST_DEFLATE] = "deflate",
	[HOST_STATISTICS] = "statistics",
	[HOST_HINT] = "hint",
	[HOST_REPORT] = "report",
};

/* Whether that feature is in force. */
bool host_has(struct host *host, unsigned int feature)
{
	return host->features & BIT_ULL(feature);
}

/* One that is gone writes nothing, one that lied does not know what is still its own. */
bool host_scribbles(struct host *host)
{
	return host->scribbles && !host->lied && !READ_ONCE(host->gone);
}

void host_scribble_on(struct host *host, u32 frame)
{
	if (host_scribbles(host))
		owned_scribble_on(&host->owned, frame);
}

/* The host had scribbled on it before, and owns it still. */
void host_scribble_again(struct host *host, u32 frame)
{
	if (host_scribbles(host))
		owned_scribble_again(&host->owned, frame);
}

/* What was found since the last time of frames that the guest used all the same. */
void host_note_used(struct host *host, const char *when)
{
	if (host->owned.used)
		log_add(&host->violations, "%s: %lu frames were used while they are the host's",
			when, host->owned.used);
	host->owned.used = 0;
}

static bool host_see(struct host *host, enum host_queue queue, u16 posted)
{
	bool saw = false;

	while (ring_see(&host->rings[queue], posted, &host->chain)) {
		conversations[queue].see(host, &host->chain);
		strikes_note(&host->strikes, STRIKE_REQUEST + queue);
		saw = true;
	}
	return saw;
}

/*
 * What came back is seen first: a page may come back, be free, and be named again in any
 * queue. So the other queues are seen as far as they were filled before that.
 */
static void host_see_all(struct host *host)
{
	u16 posted[HOST_QUEUES];
	enum host_queue queue;
	bool saw;

	do {
		saw = false;
		for (queue = 0; queue < HOST_QUEUES; queue++)
			posted[queue] = ring_posted(&host->rings[queue]);
		saw |= host_see(host, HOST_DEFLATE, ring_posted(&host->rings[HOST_DEFLATE]));
		for (queue = 0; queue < HOST_QUEUES; queue++)
			if (queue != HOST_DEFLATE)
				saw |= host_see(host, queue, posted[queue]);
	} while (saw);
}

static bool answer_is_due(struct answer *answer, struct held *held)
{
	switch (answer->mode) {
	case ANSWER_AT_ONCE:
		return true;
	case ANSWER_LATE:
		return time_after_eq(jiffies, held->since + msecs_to_jiffies(answer->value));
	case ANSWER_STEP:
		return answer->value;
	default:
		return false;
	}
}

/* The host's random numbers, which begin as it was told. */
u32 host_chance(void *data)
{
	struct host *host = data;

	host->chance = host->chance * 1664525 + 1013904223;
	return host->chance >> 8 | host->chance << 24;
}

static unsigned int host_choose(struct host *host, unsigned int held)
{
	switch (host->order) {
	case ORDER_REVERSED:
		return held - 1;
	case ORDER_RANDOM:
		return host_chance(host) % held;
	default:
		return 0;
	}
}

/* What the request that waits longest speaks of is as it is after the answer. */
void host_conclude(struct host *host, enum host_queue queue)
{
	struct ring *ring = &host->rings[queue];

	ring_read(ring, ring_first_held(ring)->head, &host->chain);
	conversations[queue].answer(host, &host->chain);
}

static void host_answer_one(struct host *host, enum host_queue queue)
{
	host_conclude(host, queue);
	ring_answer(&host->rings[queue], host->used_length);
}

static void host_answer(struct host *host, enum host_queue queue)
{
	struct ring *ring = &host->rings[queue];
	struct answer *answer = &host->answers[queue];
	u16 index_before = ring_index(ring);

	while (ring_held(ring)) {
		ring_choose(ring, host_choose(host, ring_held(ring)));
		if (!answer_is_due(answer, ring_first_held(ring)))
			break;
		host_answer_one(host, queue);
		if (answer->mode == ANSWER_STEP)
			answer->value--;
	}
	if (ring->virtqueue)
		ring_interrupt(ring, index_before);
	if (answer->mode == ANSWER_LATE && ring_held(ring))
		queue_delayed_work(host->workqueue, &host->work, 1);
}

/* Whether the driver has said so. */
bool host_is_ready(struct host *host)
{
	return host->status & VIRTIO_CONFIG_S_DRIVER_OK;
}

/* Whether the device does anything at all. */
bool host_works(struct host *host)
{
	return host_is_ready(host) && !READ_ONCE(host->gone) && !READ_ONCE(host->needs_reset);
}

static void host_work(struct work_struct *work)
{
	struct host *host = container_of(to_delayed_work(work), struct host, work);
	enum host_queue queue;

	mutex_lock(&host->lock);
	if (host_works(host)) {
		host_see_all(host);
		for (queue = 0; queue < HOST_QUEUES; queue++)
			host_answer(host, queue);
	}
	mutex_unlock(&host->lock);
}

/*
 * While everything else stands still: a page whose return was posted and not yet seen may
 * be in use by the guest. A device that has gone since, or goes now, lets go of all.
 */
static int host_scribble_standing_still(void *data)
{
	struct host *host = data;

	if (host_works(host))
		host_see_all(host);
	if (host_works(host) && host_scribbles(host))
		owned_scribble_some(&host->owned, SCRIBBLE_PAGES);
	return 0;
}

static void host_scribble(struct work_struct *work)
{
	struct host *host = container_of(to_delayed_work(work), struct host, scribbling);

	mutex_lock(&host->lock);
	if (host_scribbles(host) && host->owned.count && host_works(host)) {
		stop_machine(host_scribble_standing_still, host, NULL);
		host_note_used(host, "at any moment");
		host_wake(host);
	}
	mutex_unlock(&host->lock);
	queue_delayed_work(host->workqueue, &host->scribbling,
			   msecs_to_jiffies(get_random_u32() % SCRIBBLE_MS) + 1);
}

/* May sleep. Return: 0 or -ENOMEM, and host_free() is to be called in either case. */
int host_prepare(struct host *host)
{
	mutex_init(&host->lock);
	INIT_DELAYED_WORK(&host->work, host_work);
	INIT_DELAYED_WORK(&host->scribbling, host_scribble);
	host->scribbles = true;
	host->answers[HOST_STATISTICS].mode = ANSWER_NEVER;
	host->workqueue = alloc_ordered_workqueue("balloon_device", WQ_HIGHPRI | WQ_MEM_RECLAIM);
	if (!host->workqueue || log_prepare(&host->log, LOG_LINES) ||
	    log_prepare(&host->violations, VIOLATION_LINES))
		return -ENOMEM;
	return owned_prepare(&host->owned);
}

/* Ended. May sleep. */
void host_free(struct host *host)
{
	if (host->workqueue)
		destroy_workqueue(host->workqueue);
	owned_free(&host->owned);
	log_free(&host->violations);
	log_free(&host->log);
}

/* A device is there. */
void host_begin(struct host *host)
{
	host->was_reset = false;
	host->known_gone = false;
	WRITE_ONCE(host->gone, false);
	WRITE_ONCE(host->needs_reset, false);
	queue_delayed_work(host->workqueue, &host->scribbling, 1);
}

/* The device is gone. Sleeps until the host has let go. */
void host_end(struct host *host)
{
	cancel_delayed_work_sync(&host->scribbling);
	cancel_delayed_work_sync(&host->work);
}

/* There may be something to do. Any context. */
void host_wake(struct host *host)
{
	mod_delayed_work(host->workqueue, &host->work, 0);
}

/* The driver notifies. Any context. */
void host_notice(struct host *host, enum host_queue queue)
{
	atomic_inc(&host->notified[queue]);
	if (!host_is_ready(host) && !READ_ONCE(host->gone))
		log_add(&host->violations, "%s: a notification %s", host_queue_names[queue],
			host->was_reset ? "after a reset" : "before DRIVER_OK");
	host_wake(host);
}

/* From here until the reset nobody can say what the driver must not do. Under the lock. */
void host_note_lie(struct host *host)
{
	host->lied = true;
	log_mute(&host->violations, true);
}

/* The device is gone, and the driver knows it. Sleeps until the host has let go. */
void host_let_go(struct host *host)
{
	mutex_lock(&host->lock);
	host->known_gone = true;
	owned_end_all(&host->owned);
	mutex_unlock(&host->lock);
}

static void host_check_posted_early(struct host *host)
{
	enum host_queue queue;

	for (queue = 0; queue < HOST_QUEUES; queue++)
		if (ring_has_more(&host->rings[queue]))
			log_add(&host->violations, "%s: a request before DRIVER_OK",
				host_queue_names[queue]);
}

/* The driver writes the status. May sleep. */
void host_set_status(struct host *host, u8 status, u64 features)
{
	bool was_ready;

	mutex_lock(&host->lock);
	log_add(&host->log, "status 0x%x", status);
	was_ready = host_is_ready(host);
	if (!was_ready && (status & VIRTIO_CONFIG_S_DRIVER_OK))
		host_check_posted_early(host);
	host->features = features;
	host->status = status;
	if (host_is_ready(host))
		host->was_reset = false;
	mutex_unlock(&host->lock);
}

/*
 * The driver resets the device. Sleeps until the host has let go of everything. A last
 * look at what the host owned so far finds a driver that used it too early.
 */
void host_reset(struct host *host)
{
	enum host_queue queue;

	mutex_lock(&host->lock);
	if (host->known_gone)
		log_add(&host->violations, "a reset of a device that is gone");
	/* One that needed a reset learns only now what came back meanwhile. */
	if (host_is_ready(host) && !READ_ONCE(host->gone))
		host_see_all(host);
	if (host_scribbles(host))
		owned_scribble_all(&host->owned);
	host_note_used(host, "at the reset");
	owned_end_all(&host->owned);
	for (queue = 0; queue < HOST_QUEUES; queue++)
		ring_close(&host->rings[queue]);
	host->open_round = 0;
	WRITE_ONCE(host->shown_command, VIRTIO_BALLOON_CMD_ID_STOP);
	WRITE_ONCE(host->rounds_shown, 0);
	host->rounds_opened = 0;
	host->lied = false;
	log_mute(&host->violations, false);
	WRITE_ONCE(host->needs_reset, false);
	log_add(&host->log, "reset");
	host->was_reset = host->was_reset || host_is_ready(host);
	host->status = 0;
	mutex_unlock(&host->lock);
}

/* Changes how a queue's requests are answered, those that are held included. */
void host_set_answer(struct host *host, enum host_queue queue, struct answer answer)
{
	mutex_lock(&host->lock);
	host->answers[queue] = answer;
	host_wake(host);
	mutex_unlock(&host->lock);
}
