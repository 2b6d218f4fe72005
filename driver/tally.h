/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_TALLY_H
#define AEROSTAT_TALLY_H

#include <linux/atomic.h>
#include <linux/types.h>

/* What is counted, since the driver has had the device. In base pages, but for the last. */
enum tally_kind {
	TALLY_INFLATED,		/* went to the host: the device has acknowledged it */
	TALLY_DEFLATED,		/* came back, by whichever way */
	TALLY_TAKEN_BACK,	/* came back because the guest was short of memory */
	TALLY_MIGRATED,		/* was moved by compaction */
	TALLY_REPORTED,		/* was reported as it was free */
	TALLY_HINTED,		/* need not be copied by a migration */
	TALLY_REFUSED,		/* times that the guest had no more memory to give */
	TALLY_KINDS,
};

/**
 * struct tally - what has happened so far
 * @values: one for each kind; any context
 */
struct tally {
	atomic64_t values[TALLY_KINDS];
};

static inline void tally_add(struct tally *tally, enum tally_kind kind, long count)
{
	atomic64_add(count, &tally->values[kind]);
}

static inline u64 tally_read(struct tally *tally, enum tally_kind kind)
{
	return atomic64_read(&tally->values[kind]);
}

#endif
