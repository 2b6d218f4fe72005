/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_SOURCE_H
#define AEROSTAT_SOURCE_H

#include <linux/types.h>

struct list_head;
struct page;

unsigned long source_available(void);
unsigned long source_take(struct list_head *blocks, unsigned long count, unsigned int order,
			  unsigned long limit);
struct page *source_take_block(unsigned int order);
void source_split(struct page *block, struct list_head *pages);
unsigned long source_give_back(struct list_head *blocks);
void source_give_back_block(struct page *block);
bool source_has_free(unsigned long pages);

#endif
