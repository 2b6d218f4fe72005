/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_HOST_H
#define BALLOON_DEVICE_HOST_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "log.h"
#include "owned.h"
#include "ring.h"
#include "strike.h"

enum host_queue {
	HOST_INFLATE,
	HOST_DEFLATE,
	HOST_STATISTICS,
	HOST_HINT,
	HOST_REPORT,
	HOST_QUEUES,
};

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

/* In which order a queue's requests are answered. */
enum answer_order { ORDER_KEPT, ORDER_REVERSED, ORDER_RANDOM };

#define READS_MAX 8

/**
 * struct reads - what a field of the configuration reads as, one after the other
 * @count: how many values there are; 0: the field reads as it is
 * @next: how often it was read
 * @values: what it reads as, round and round
 */
struct reads {
	unsigned int count;
	atomic_t next;
	u32 values[READS_MAX];
};

/**
 * struct host - what stands behind the device
 * @lock: guards all but the logs, @notified, @workqueue and the works; held while the host works
 * @workqueue: where the host works
 * @work: looking at the queues
 * @scribbling: scribbling on what the host owns, at random moments
 * @status: what the driver last wrote as status
 * @was_reset: whether the driver has reset the device since it was last ready
 * @features: what driver and device have agreed on, a bit for each
 * @scribbles: whether the host scribbles
 * @num_pages: the target, in units of 4096 bytes
 * @actual: what the driver last wrote as size, in units of 4096 bytes
 * @command: what the host wants to hear of free memory, as the standard numbers it
 * @poison: what the driver last wrote as the value of free memory
 * @used_length: what answers say that the device has written, in bytes
 * @open_round: the round of hints that the driver has opened, or 0
 * @shown_command: what the driver was last shown as the command
 * @rounds_shown: how often that became another round since the last reset
 * @rounds_opened: how many rounds the driver has opened since
 * @gone: whether the device reads as all ones; any context
 * @known_gone: whether the driver has read the status since
 * @needs_reset: whether the device needs a reset, and does no more until then; any context
 * @lied: whether a queue has lied since the last reset: then the driver can't keep its side
 * @order: in which order requests are answered
 * @chance: where the host's random numbers are
 * @generation: how often it was read; any context
 * @num_pages_reads: what num_pages reads as, if not as it is
 * @command_reads: what the command reads as, if not as it is
 * @strikes: at which step of the driver's the device does what; any context
 * @chain: the request that the host looks at
 * @answers: how requests are answered
 * @rings: the queues
 * @owned: the pages that the host owns
 * @log: what the driver did
 * @violations: what it must not do, and did
 * @notified: how often the driver has notified each queue; any context
 */
struct host {
	struct mutex lock;	/* see above */
	struct workqueue_struct *workqueue;
	struct delayed_work work;
	struct delayed_work scribbling;
	u8 status;
	bool was_reset;
	u64 features;
	bool scribbles;
	u32 num_pages;
	u32 actual;
	u32 command;
	u32 poison;
	u32 used_length;
	u32 open_round;
	u32 shown_command;
	u32 rounds_shown;
	u32 rounds_opened;
	bool gone;
	bool known_gone;
	bool needs_reset;
	bool lied;
	enum answer_order order;
	u32 chance;
	atomic_t generation;
	struct reads num_pages_reads;
	struct reads command_reads;
	struct strikes strikes;
	struct chain chain;
	struct answer answers[HOST_QUEUES];
	struct ring rings[HOST_QUEUES];
	struct owned owned;
	struct log log;
	struct log violations;
	atomic_t notified[HOST_QUEUES];
};

extern const char * const host_queue_names[HOST_QUEUES];

int host_prepare(struct host *host);
void host_free(struct host *host);
void host_begin(struct host *host);
void host_end(struct host *host);
void host_wake(struct host *host);
void host_notice(struct host *host, enum host_queue queue);
bool host_is_ready(struct host *host);
bool host_works(struct host *host);
bool host_scribbles(struct host *host);
void host_note_lie(struct host *host);
void host_conclude(struct host *host, enum host_queue queue);
void host_let_go(struct host *host);
u32 host_chance(void *host);
bool host_has(struct host *host, unsigned int feature);
void host_scribble_on(struct host *host, u32 frame);
void host_scribble_again(struct host *host, u32 frame);
void host_note_used(struct host *host, const char *when);
void host_set_status(struct host *host, u8 status, u64 features);
void host_reset(struct host *host);
void host_set_answer(struct host *host, enum host_queue queue, struct answer answer);

#endif
