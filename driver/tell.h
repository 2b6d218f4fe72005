/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_TELL_H
#define AEROSTAT_TELL_H

#include <linux/atomic.h>
#include <linux/mm.h>

#include "queue.h"

struct hold;
struct virtio_device;

/* The device counts in units of 4096 bytes, whatever the size of the guest's pages. */
#define UNIT_SHIFT 12
#define UNITS_PER_PAGE (PAGE_SIZE >> UNIT_SHIFT)

/* No device takes more frame numbers in one buffer. */
#define TELL_FRAMES 256
#define TELL_PAGES (TELL_FRAMES / UNITS_PER_PAGE)

/* Requests that the worker leaves for compaction, and for a guest out of memory. */
#define TELL_RESERVE_MOVING 1
#define TELL_RESERVE_RESCUE 32

/**
 * struct tell - what the device is told about memory
 * @device: the device; fixed
 * @hold: what the balloon holds; fixed
 * @inflate: queue for memory that goes to the host; a lock of its own
 * @deflate: queue for memory that comes back; a lock of its own
 * @must_tell: memory comes back only with the device's answer; fixed
 * @silent: somebody waited in vain for the answers to what came back, and they are still
 *	owed; any context, a hint
 * @returned: base pages that ever went back to the guest, modulo the word's size
 */
struct tell {
	struct virtio_device *device;
	struct hold *hold;
	struct queue inflate;
	struct queue deflate;
	bool must_tell;
	bool silent;
	atomic_long_t returned;
};

int tell_prepare(struct tell *tell, struct virtio_device *device, struct hold *hold,
		 void (*on_inflate_answer)(struct queue *queue),
		 void (*on_deflate_answer)(struct queue *queue));
void tell_free(struct tell *tell);
void tell_close(struct tell *tell);
void tell_forget(struct tell *tell);

void tell_settle(struct tell *tell);
bool tell_works(struct tell *tell);
unsigned long tell_patience(struct tell *tell, unsigned long wait);
int tell_wait_inflated(struct tell *tell, unsigned long limit);
int tell_wait_deflated(struct tell *tell, unsigned long limit);
bool tell_can_name(struct page *page);
void tell_fill(struct tell *tell, struct request *request, struct page *page);
int tell_inflate(struct tell *tell, struct list_head *pages, unsigned long limit);
unsigned long tell_deflate(struct tell *tell, unsigned long count, unsigned int reserve,
			   unsigned long limit);

#endif
