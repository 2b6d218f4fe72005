/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_OWED_H
#define AEROSTAT_OWED_H

#include <linux/spinlock.h>
#include <linux/types.h>

/* Enough for 2 GiB in blocks of 4 MiB. */
#define OWED_RUNS 512

/**
 * struct owed_run - memory without a gap
 * @first: its first frame number, in units of 4096 bytes
 * @count: how many frame numbers there are
 */
struct owed_run {
	u64 first;
	unsigned long count;
};

/**
 * struct owed - memory that the guest has taken back, and of which the device is still to
 *	be told
 * @lock: guards what follows
 * @begin: where the oldest run is
 * @count: how many runs there are; read without @lock as well
 * @runs: a ring of them
 */
struct owed {
	spinlock_t lock;	/* see above */
	unsigned int begin;
	unsigned int count;
	struct owed_run runs[OWED_RUNS];
};

void owed_prepare(struct owed *owed);
void owed_forget(struct owed *owed);
bool owed_note(struct owed *owed, u64 first, unsigned long count);
unsigned long owed_first(struct owed *owed, unsigned long most, u64 *first);
void owed_told(struct owed *owed, unsigned long count);
bool owed_is_empty(struct owed *owed);

#endif
