/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_SOURCE_H
#define AEROSTAT_SOURCE_H

#include <linux/gfp.h>
#include <linux/types.h>

struct list_head;
struct page;

/* Free memory and no other, from where memory need not be movable. */
#define SOURCE_BLOCK_FLAGS ((GFP_HIGHUSER & ~__GFP_RECLAIM) | __GFP_NOMEMALLOC | __GFP_NOWARN)

unsigned long source_take(struct list_head *pages, unsigned long count, unsigned long limit);
unsigned long source_give_back(struct list_head *pages);
struct page *source_take_block(unsigned int order);
void source_give_back_block(struct page *block, unsigned int order);

#endif
