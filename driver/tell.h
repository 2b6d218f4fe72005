/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_TELL_H
#define AEROSTAT_TELL_H

#include <linux/atomic.h>
#include <linux/mm.h>

#include "owed.h"
#include "queue.h"

struct hold;
struct virtio_device;

/* The device counts in units of 4096 bytes, whatever the size of the guest's pages. */
#define UNIT_SHIFT 12
#define UNITS_PER_PAGE (PAGE_SIZE >> UNIT_SHIFT)

/* No device takes more frame numbers in one buffer. */
#define TELL_FRAMES 256
#define TELL_PAGES ((unsigned long)(TELL_FRAMES / UNITS_PER_PAGE))

/* Requests that are worth a notification. */
#define TELL_BATCH 32u

/* Requests that the worker leaves for compaction, and for a guest out of memory. */
#define TELL_RESERVE_MOVING 1
#define TELL_RESERVE_RESCUE 32

/* How memory is named to the device. */
enum tell_way {
	TELL_BY_FRAMES,		/* frame numbers; it is told again when it comes back */
	TELL_BY_RANGES,		/* as free memory is reported; it comes back without a word */
};

/**
 * struct tell - what the device is told about the balloon's memory
 * @device: the device; fixed
 * @hold: what the balloon holds; fixed
 * @way: how memory is named; fixed
 * @inflate: queue for frame numbers of memory that goes to the host; a lock of its own
 * @deflate: queue for frame numbers of memory that comes back; a lock of its own
 * @report: queue for ranges of memory, shared with whoever reports free memory; fixed
 * @owed: frame numbers of memory that came back before the device could be told
 * @taking: memory has been taken that is not yet named; written by the worker, read by any:
 *	its end with acquire by who waits for that, else as a hint
 * @must_tell: memory comes back only with the device's answer; fixed
 * @silent: somebody waited in vain for the answers to what came back, and they are still
 *	owed; any context, a hint
 * @returned: base pages that ever went back to the guest, modulo the word's size
 */
struct tell {
	struct virtio_device *device;
	struct hold *hold;
	enum tell_way way;
	struct queue inflate;
	struct queue deflate;
	struct queue *report;
	struct owed owed;
	bool taking;
	bool must_tell;
	bool silent;
	atomic_long_t returned;
};

int tell_prepare(struct tell *tell, struct virtio_device *device, struct hold *hold,
		 struct queue *report, void (*on_inflate_answer)(struct queue *queue),
		 void (*on_deflate_answer)(struct queue *queue));
void tell_free(struct tell *tell);
void tell_close(struct tell *tell);
void tell_forget(struct tell *tell);

void tell_settle(struct tell *tell);
bool tell_works(struct tell *tell);
unsigned int tell_unanswered(struct tell *tell);
bool tell_is_overdue(struct tell *tell, unsigned int ms);
bool tell_keeps_memory(struct tell *tell);
unsigned long tell_patience(struct tell *tell, unsigned long wait);
int tell_wait_inflated(struct tell *tell, unsigned long limit);
int tell_wait_answers(struct tell *tell, unsigned long limit);
int tell_wait_deflated(struct tell *tell, unsigned long limit);
void tell_note_silence(struct tell *tell, bool waited, int error);
int tell_wait_quiet(struct tell *tell, unsigned long limit);

const char *tell_way_name(struct tell *tell);
struct queue *tell_naming_queue(struct tell *tell);

#endif
