/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_HOST_H
#define BALLOON_DEVICE_HOST_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "log.h"
#include "owned.h"
#include "ring.h"

enum host_queue { HOST_INFLATE, HOST_DEFLATE, HOST_STATISTICS, HOST_QUEUES };

/* When requests are answered. */
enum answer_mode { ANSWER_AT_ONCE, ANSWER_NEVER, ANSWER_LATE, ANSWER_STEP };

/**
 * struct answer - how one queue's requests are answered
 * @mode: when
 * @value: ANSWER_LATE: after how many ms; ANSWER_STEP: how many are still to be answered
 */
struct answer {
	enum answer_mode mode;
	unsigned int value;
};

/**
 * struct host - what stands behind the device
 * @lock: guards all but the logs, @workqueue and the works; held while the host works
 * @workqueue: where the host works
 * @work: looking at the queues
 * @scribbling: scribbling on what the host owns, at random moments
 * @status: what the driver last wrote as status
 * @was_reset: whether the driver has reset the device since it was last ready
 * @must_tell: whether MUST_TELL_HOST is in force
 * @scribbles: whether the host scribbles
 * @num_pages: the target, in units of 4096 bytes
 * @actual: what the driver last wrote as size, in units of 4096 bytes
 * @answers: how requests are answered
 * @rings: the queues
 * @owned: the pages that the host owns
 * @log: what the driver did
 * @violations: what it must not do, and did
 */
struct host {
	struct mutex lock;	/* see above */
	struct workqueue_struct *workqueue;
	struct delayed_work work;
	struct delayed_work scribbling;
	u8 status;
	bool was_reset;
	bool must_tell;
	bool scribbles;
	u32 num_pages;
	u32 actual;
	struct answer answers[HOST_QUEUES];
	struct ring rings[HOST_QUEUES];
	struct owned owned;
	struct log log;
	struct log violations;
};

int host_prepare(struct host *host);
void host_free(struct host *host);
void host_begin(struct host *host);
void host_end(struct host *host);
void host_wake(struct host *host);
void host_notice(struct host *host, enum host_queue queue);
void host_set_status(struct host *host, u8 status, bool must_tell);
void host_reset(struct host *host);
void host_set_answer(struct host *host, enum host_queue queue, struct answer answer);

#endif
