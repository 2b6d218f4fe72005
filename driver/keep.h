/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_KEEP_H
#define AEROSTAT_KEEP_H

#include <linux/types.h>

#include "block.h"

/**
 * struct keep - blocks that are kept for a migration; the caller's lock guards all
 * @blocks: the blocks, those first that were named in earlier rounds only
 * @round: the round that names blocks now, or the last one; 0 after its end
 */
struct keep {
	struct blocks blocks;
	u32 round;
};

void keep_prepare(struct keep *keep);
void keep_mark(struct page *block, u32 round);
void keep_put(struct keep *keep, struct page *block);
struct page *keep_get(struct keep *keep);
struct page *keep_get_stale(struct keep *keep);
struct page *keep_get_at(struct keep *keep, struct page *page);
void keep_release(struct page *block);

#endif
