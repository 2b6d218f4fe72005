// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classic queues: requests that are one buffer for the device to read.
 *
 * The rule: a frame that is named is the host's from that moment. One that comes back is
 * the guest's when the device sees the request, under MUST_TELL_HOST when it answers.
 */
#include <linux/kernel.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "frames.h"
#include "host.h"

#define FRAMES_MAX 256
#define STATISTIC_BYTES 10
#define STATISTICS_SHOWN 200

static bool is_plain(const struct chain *chain)
{
	return chain->count == 1 && !chain->pieces[0].writable;
}

static unsigned int frames_in(const struct chain *chain)
{
	return is_plain(chain) ? chain->pieces[0].bytes / sizeof(__virtio32) : 0;
}

static u32 frame_at(struct host *host, const struct chain *chain, unsigned int i)
{
	const __virtio32 *frames = chain->pieces[0].data;

	return virtio32_to_cpu(host->rings[HOST_INFLATE].virtqueue->vdev, frames[i]);
}

static void frames_see(struct host *host, const char *queue, const struct chain *chain,
		       void (*see)(struct host *host, u32 frame))
{
	unsigned int i, count = frames_in(chain);

	log_add(&host->log, "%s %u frames 0x%x", queue, count,
		count ? frame_at(host, chain, 0) : 0);
	if (!is_plain(chain))
		log_add(&host->violations, "%s: not one piece to be read", queue);
	if (!count || chain->pieces[0].bytes % sizeof(__virtio32))
		log_add(&host->violations, "%s: a buffer of %u bytes", queue,
			chain->pieces[0].bytes);
	if (count > FRAMES_MAX)
		log_add(&host->violations, "%s: a buffer of %u frames", queue, count);
	for (i = 0; i < count; i++)
		see(host, frame_at(host, chain, i));
}

static void frames_answer(struct host *host, const char *queue, const struct chain *chain,
			  void (*answer)(struct host *host, u32 frame))
{
	unsigned int i, count = frames_in(chain);

	for (i = 0; i < count; i++)
		answer(host, frame_at(host, chain, i));
	host_note_used(host, queue);
	log_add(&host->log, "answered %s %u", queue, count);
}

static void see_inflated(struct host *host, u32 frame)
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

static void answer_inflated(struct host *host, u32 frame)
{
	if (!owned_has(&host->owned, frame))
		return;
	host_scribble_again(host, frame);
	owned_acknowledge(&host->owned, frame);
}

static bool must_tell(struct host *host)
{
	return host_has(host, VIRTIO_BALLOON_F_MUST_TELL_HOST);
}

static void see_deflated(struct host *host, u32 frame)
{
	if (!owned_has(&host->owned, frame)) {
		log_add(&host->violations, "deflate: frame 0x%x is not the host's", frame);
		return;
	}
	if (owned_is_pending(&host->owned, frame))
		log_add(&host->violations, "deflate: the inflation of frame 0x%x is not answered",
			frame);
	if (!must_tell(host))
		owned_end(&host->owned, frame);
}

static void answer_deflated(struct host *host, u32 frame)
{
	if (!must_tell(host) || !owned_has(&host->owned, frame))
		return;
	if (owned_is_free(&host->owned, frame))
		log_add(&host->violations, "deflate: frame 0x%x is free before the answer", frame);
	host_scribble_again(host, frame);
	owned_end(&host->owned, frame);
}

void frames_see_inflated(struct host *host, const struct chain *chain)
{
	frames_see(host, "inflate", chain, see_inflated);
}

void frames_answer_inflated(struct host *host, const struct chain *chain)
{
	frames_answer(host, "inflate", chain, answer_inflated);
}

void frames_see_deflated(struct host *host, const struct chain *chain)
{
	frames_see(host, "deflate", chain, see_deflated);
}

void frames_answer_deflated(struct host *host, const struct chain *chain)
{
	frames_answer(host, "deflate", chain, answer_deflated);
}

void statistics_see(struct host *host, const struct chain *chain)
{
	const struct piece *piece = &chain->pieces[0];
	unsigned int shown = min_t(unsigned int, piece->bytes, STATISTICS_SHOWN);
	char digits[2 * STATISTICS_SHOWN + 1];

	*bin2hex(digits, piece->data, shown) = '\0';
	log_add(&host->log, "statistics %u bytes %s", piece->bytes, digits);
	if (!is_plain(chain))
		log_add(&host->violations, "statistics: not one piece to be read");
	if (!piece->bytes || piece->bytes % STATISTIC_BYTES)
		log_add(&host->violations, "statistics: %u bytes are not whole entries",
			piece->bytes);
	if (ring_held(&host->rings[HOST_STATISTICS]) > 1)
		log_add(&host->violations, "statistics: more than one buffer");
}

void statistics_answer(struct host *host, const struct chain *chain)
{
	log_add(&host->log, "answered statistics");
}
