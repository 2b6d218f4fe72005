// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Free memory by ranges: what is reported, and what a migration need not copy.
 *
 * The rule: a range is the host's until the device has answered, and it notices who
 * touches it meanwhile. With PAGE_POISON reported memory holds the agreed value, and the
 * host leaves it alone. Of hints the host notes in which round they come.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>

#include "host.h"
#include "ranges.h"

static bool keeps_contents(struct host *host, enum host_queue queue)
{
	return queue == HOST_REPORT && host_has(host, VIRTIO_BALLOON_F_PAGE_POISON);
}

static void range_check_poison(struct host *host, u32 frame, const char *when)
{
	if (!owned_holds(&host->owned, frame, (u64)host->poison << 32 | host->poison))
		log_add(&host->violations, "report: frame 0x%x does not hold the poison value %s",
			frame, when);
}

static void range_see(struct host *host, enum host_queue queue, u32 frame)
{
	if (!owned_is_memory(&host->owned, frame)) {
		log_add(&host->violations, "%s: frame 0x%x is no memory",
			host_queue_names[queue], frame);
		return;
	}
	if (owned_has(&host->owned, frame))
		log_add(&host->violations, "%s: frame 0x%x is the host's already",
			host_queue_names[queue], frame);
	if (keeps_contents(host, queue)) {
		range_check_poison(host, frame, "when it is reported");
		return;
	}
	owned_begin(&host->owned, frame);
	host_scribble_on(host, frame);
}

static void range_answer(struct host *host, enum host_queue queue, u32 frame)
{
	if (keeps_contents(host, queue)) {
		range_check_poison(host, frame, "when the report is answered");
		return;
	}
	if (!owned_has(&host->owned, frame))
		return;
	if (host_scribbles(host) && !owned_is_scribbled_on(&host->owned, frame))
		log_add(&host->violations, "%s: frame 0x%x was used before the answer",
			host_queue_names[queue], frame);
	owned_end(&host->owned, frame);
}

static u32 first_frame(const struct piece *piece)
{
	return virt_to_phys(piece->data) >> PAGE_SHIFT;
}

static unsigned int frames_of(const struct piece *piece)
{
	return piece->bytes >> PAGE_SHIFT;
}

static void ranges_do(struct host *host, enum host_queue queue, const struct chain *chain,
		      void (*act)(struct host *host, enum host_queue queue, u32 frame))
{
	unsigned int i, frame;

	for (i = 0; i < min(chain->count, CHAIN_PIECES_MAX); i++)
		for (frame = 0; frame < frames_of(&chain->pieces[i]); frame++)
			act(host, queue, first_frame(&chain->pieces[i]) + frame);
}

static void ranges_check(struct host *host, enum host_queue queue, const struct chain *chain)
{
	unsigned int i;

	if (chain->count > CHAIN_PIECES_MAX)
		log_add(&host->violations, "%s: a chain of %u ranges", host_queue_names[queue],
			chain->count);
	for (i = 0; i < min(chain->count, CHAIN_PIECES_MAX); i++) {
		const struct piece *piece = &chain->pieces[i];

		if (!piece->writable || !piece->bytes || piece->bytes % PAGE_SIZE ||
		    offset_in_page(piece->data))
			log_add(&host->violations, "%s: a range of no whole pages to write to",
				host_queue_names[queue]);
	}
}

void reports_see(struct host *host, const struct chain *chain)
{
	unsigned int i, frames = 0, smallest = UINT_MAX;

	ranges_check(host, HOST_REPORT, chain);
	for (i = 0; i < min(chain->count, CHAIN_PIECES_MAX); i++) {
		frames += frames_of(&chain->pieces[i]);
		smallest = min(smallest, frames_of(&chain->pieces[i]));
	}
	log_add(&host->log, "report %u frames %u ranges smallest %u first 0x%x", frames,
		chain->count, smallest, first_frame(&chain->pieces[0]));
	ranges_do(host, HOST_REPORT, chain, range_see);
}

void reports_answer(struct host *host, const struct chain *chain)
{
	ranges_do(host, HOST_REPORT, chain, range_answer);
	log_add(&host->log, "answered report");
}

static void hints_see_command(struct host *host, const struct piece *piece)
{
	struct virtio_device *device = host->rings[HOST_HINT].virtqueue->vdev;
	u32 command;

	if (piece->bytes != sizeof(__virtio32)) {
		log_add(&host->violations, "hint: a command of %u bytes", piece->bytes);
		return;
	}
	command = virtio32_to_cpu(device, *(__virtio32 *)piece->data);
	log_add(&host->log, "hint command %u", command);
	if (command == VIRTIO_BALLOON_CMD_ID_DONE)
		log_add(&host->violations, "hint: DONE is the host's to say");
	else if (!command && !host->open_round)
		log_add(&host->violations, "hint: STOP of no round");
	else if (command && host->open_round)
		log_add(&host->violations, "hint: round %u opened in round %u", command,
			host->open_round);
	else if (command && host->rounds_opened == READ_ONCE(host->rounds_shown))
		log_add(&host->violations, "hint: round %u opened again", command);
	host->open_round = command;
	if (command)
		host->rounds_opened++;
}

static void hints_see_block(struct host *host, const struct chain *chain)
{
	ranges_check(host, HOST_HINT, chain);
	log_add(&host->log, "hint block %u frames 0x%x", frames_of(&chain->pieces[0]),
		first_frame(&chain->pieces[0]));
	if (chain->count != 1)
		log_add(&host->violations, "hint: %u blocks at once", chain->count);
	if (!host->open_round)
		log_add(&host->violations, "hint: a block outside of any round");
	ranges_do(host, HOST_HINT, chain, range_see);
}

void hints_see(struct host *host, const struct chain *chain)
{
	if (chain->pieces[0].writable)
		hints_see_block(host, chain);
	else
		hints_see_command(host, &chain->pieces[0]);
}

void hints_answer(struct host *host, const struct chain *chain)
{
	if (chain->pieces[0].writable)
		ranges_do(host, HOST_HINT, chain, range_answer);
	log_add(&host->log, "answered hint");
}
