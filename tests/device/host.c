// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host: it sees requests, owns what they name, scribbles on it, and answers as it
 * was told to.
 *
 * The rule: what the host owns it may overwrite at any moment, and it overwrites nothing
 * else. A page that comes back is the guest's when the device sees the request, under
 * MUST_TELL_HOST when it answers; a reset ends everything and waits for the host to let
 * go. The host works under one lock and allocates nothing while it works.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/random.h>
#include <linux/stop_machine.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "host.h"

#define LOG_LINES 4096
#define VIOLATION_LINES 256
#define FRAMES_MAX 256
#define STATISTIC_BYTES 10
#define STATISTICS_SHOWN 200

/* Random moments of scribbling: how many pages each time, and at most how long between. */
#define SCRIBBLE_PAGES 1024
#define SCRIBBLE_MS 60

static const char * const queue_names[] = { "inflate", "deflate", "statistics" };

static u32 frame_at(struct host *host, enum host_queue queue, const struct buffer *buffer,
		    unsigned int i)
{
	const __virtio32 *frames = buffer->data;

	return virtio32_to_cpu(host->rings[queue].virtqueue->vdev, frames[i]);
}

static unsigned int frames_in(const struct buffer *buffer)
{
	return buffer->is_plain ? buffer->bytes / sizeof(__virtio32) : 0;
}

static void host_scribble_on(struct host *host, u32 frame)
{
	if (host->scribbles)
		owned_scribble_on(&host->owned, frame);
}

static void host_see_inflated(struct host *host, u32 frame)
{
	if (!owned_is_memory(&host->owned, frame)) {
		log_add(&host->violations, "inflate: frame 0x%x is no memory", frame);
		return;
	}
	if (owned_has(&host->owned, frame))
		log_add(&host->violations, "inflate: frame 0x%x is the host's already", frame);
	owned_begin(&host->owned, frame);
	host_scribble_on(host, frame);
}

static void host_answer_inflated(struct host *host, u32 frame)
{
	if (!owned_has(&host->owned, frame))
		return;
	host_scribble_on(host, frame);
	owned_acknowledge(&host->owned, frame);
}

static void host_see_deflated(struct host *host, u32 frame)
{
	if (!owned_has(&host->owned, frame)) {
		log_add(&host->violations, "deflate: frame 0x%x is not the host's", frame);
		return;
	}
	if (owned_is_pending(&host->owned, frame))
		log_add(&host->violations, "deflate: the inflation of frame 0x%x is not answered",
			frame);
	if (!host->must_tell)
		owned_end(&host->owned, frame);
}

static void host_answer_deflated(struct host *host, u32 frame)
{
	if (!host->must_tell || !owned_has(&host->owned, frame))
		return;
	host_scribble_on(host, frame);
	owned_end(&host->owned, frame);
}

static void (*const see_frame[])(struct host *host, u32 frame) = {
	host_see_inflated, host_see_deflated
};

static void (*const answer_frame[])(struct host *host, u32 frame) = {
	host_answer_inflated, host_answer_deflated
};

static void host_see_frames(struct host *host, enum host_queue queue, struct buffer *buffer)
{
	unsigned int i, count = frames_in(buffer);

	log_add(&host->log, "%s %u frames 0x%x", queue_names[queue], count,
		count ? frame_at(host, queue, buffer, 0) : 0);
	if (!count || buffer->bytes % sizeof(__virtio32))
		log_add(&host->violations, "%s: a buffer of %u bytes", queue_names[queue],
			buffer->bytes);
	if (count > FRAMES_MAX)
		log_add(&host->violations, "%s: a buffer of %u frames", queue_names[queue],
			count);
	for (i = 0; i < count; i++)
		see_frame[queue](host, frame_at(host, queue, buffer, i));
}

static void host_see_statistics(struct host *host, struct buffer *buffer)
{
	unsigned int shown = min_t(unsigned int, buffer->bytes, STATISTICS_SHOWN);
	char digits[2 * STATISTICS_SHOWN + 1];

	*bin2hex(digits, buffer->data, shown) = '\0';
	log_add(&host->log, "statistics %u bytes %s", buffer->bytes, digits);
	if (!buffer->bytes || buffer->bytes % STATISTIC_BYTES)
		log_add(&host->violations, "statistics: %u bytes are not whole entries",
			buffer->bytes);
	if (ring_held(&host->rings[HOST_STATISTICS]) > 1)
		log_add(&host->violations, "statistics: more than one buffer");
}

static void host_see(struct host *host, enum host_queue queue)
{
	struct buffer buffer;

	while (ring_see(&host->rings[queue], &buffer)) {
		if (!buffer.is_plain)
			log_add(&host->violations, "%s: not one piece to be read",
				queue_names[queue]);
		if (queue == HOST_STATISTICS)
			host_see_statistics(host, &buffer);
		else
			host_see_frames(host, queue, &buffer);
	}
}

/* What came back is seen first: a page may come back and be named again at once. */
static void host_see_all(struct host *host)
{
	host_see(host, HOST_DEFLATE);
	host_see(host, HOST_INFLATE);
	host_see(host, HOST_STATISTICS);
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

static void host_answer_one(struct host *host, enum host_queue queue)
{
	struct ring *ring = &host->rings[queue];
	struct buffer buffer;
	unsigned int i, count = 0;

	ring_read(ring, ring_first_held(ring)->head, &buffer);
	if (queue != HOST_STATISTICS)
		count = frames_in(&buffer);
	for (i = 0; i < count; i++)
		answer_frame[queue](host, frame_at(host, queue, &buffer, i));
	if (queue == HOST_STATISTICS)
		log_add(&host->log, "answered statistics");
	else
		log_add(&host->log, "answered %s %u", queue_names[queue], count);
	ring_answer(ring);
}

static void host_answer(struct host *host, enum host_queue queue)
{
	struct ring *ring = &host->rings[queue];
	struct answer *answer = &host->answers[queue];
	u16 used_before = ring->used;

	while (ring_held(ring) && answer_is_due(answer, ring_first_held(ring))) {
		host_answer_one(host, queue);
		if (answer->mode == ANSWER_STEP)
			answer->value--;
	}
	if (ring->virtqueue)
		ring_interrupt(ring, used_before);
	if (answer->mode == ANSWER_LATE && ring_held(ring))
		queue_delayed_work(host->workqueue, &host->work, 1);
}

static bool host_is_ready(struct host *host)
{
	return host->status & VIRTIO_CONFIG_S_DRIVER_OK;
}

static void host_work(struct work_struct *work)
{
	struct host *host = container_of(to_delayed_work(work), struct host, work);
	enum host_queue queue;

	mutex_lock(&host->lock);
	if (host_is_ready(host)) {
		host_see_all(host);
		for (queue = 0; queue < HOST_QUEUES; queue++)
			host_answer(host, queue);
	}
	mutex_unlock(&host->lock);
}

/*
 * While everything else stands still: a page whose return was posted and not yet seen may
 * be in use by the guest.
 */
static int host_scribble_standing_still(void *data)
{
	struct host *host = data;

	host_see_all(host);
	owned_scribble_some(&host->owned, SCRIBBLE_PAGES);
	return 0;
}

static void host_scribble(struct work_struct *work)
{
	struct host *host = container_of(to_delayed_work(work), struct host, scribbling);

	mutex_lock(&host->lock);
	if (host->scribbles && host->owned.count && host_is_ready(host)) {
		stop_machine(host_scribble_standing_still, host, NULL);
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
	if (!host_is_ready(host))
		log_add(&host->violations, "%s: a notification %s", queue_names[queue],
			host->was_reset ? "after a reset" : "before DRIVER_OK");
	host_wake(host);
}

static void host_check_posted_early(struct host *host)
{
	enum host_queue queue;

	for (queue = 0; queue < HOST_QUEUES; queue++)
		if (ring_has_more(&host->rings[queue]))
			log_add(&host->violations, "%s: a request before DRIVER_OK",
				queue_names[queue]);
}

/* The driver writes the status. May sleep. */
void host_set_status(struct host *host, u8 status, bool must_tell)
{
	bool was_ready;

	mutex_lock(&host->lock);
	log_add(&host->log, "status 0x%x", status);
	was_ready = host_is_ready(host);
	if (!was_ready && (status & VIRTIO_CONFIG_S_DRIVER_OK))
		host_check_posted_early(host);
	host->must_tell = must_tell;
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
	if (host_is_ready(host))
		host_see_all(host);
	if (host->scribbles)
		owned_scribble_all(&host->owned);
	owned_end_all(&host->owned);
	for (queue = 0; queue < HOST_QUEUES; queue++)
		ring_close(&host->rings[queue]);
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
