/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_MIGRATE_H
#define AEROSTAT_MIGRATE_H

#include <linux/spinlock.h>

struct hold;
struct request;
struct tell;

/* Where the one move that can be under way stands. */
enum migrate_state {
	MIGRATE_IDLE,
	MIGRATE_NAMED,		/* the new page is named, the mover waits for the answer */
	MIGRATE_ACKNOWLEDGED,	/* the answer came, the mover goes on */
	MIGRATE_OWED,		/* the mover has left, the old page waits to be told */
};

/**
 * struct migrate - base pages that compaction moves
 * @tell: what the device is told; fixed
 * @hold: what the balloon holds; fixed
 * @lock: guards what follows
 * @state: where the move stands
 * @deflate: request set aside to tell of the old page, or NULL if that is not told; the
 *	mover's, in MIGRATE_OWED whoever finishes the move
 * @old: the old page, with a reference of ours in MIGRATE_OWED; likewise
 */
struct migrate {
	struct tell *tell;
	struct hold *hold;
	spinlock_t lock;	/* see above */
	enum migrate_state state;
	struct request *deflate;
	struct page *old;
};

void migrate_prepare(struct migrate *migrate, struct tell *tell, struct hold *hold);
bool migrate_keeps_page(struct migrate *migrate);
void migrate_forget(struct migrate *migrate);

#endif
