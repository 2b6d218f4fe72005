/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_NAME_H
#define AEROSTAT_NAME_H

#include <linux/types.h>

struct list_head;
struct page;
struct queue;
struct request;
struct tell;

bool name_is_possible(struct tell *tell, struct page *first, unsigned long count);
void name_units(struct tell *tell, struct request *request, u64 first, unsigned long count);
void name_frames(struct tell *tell, struct request *request, struct page *first,
		 unsigned long count);
void name_page(struct tell *tell, struct request *request, struct page *page);
unsigned int name_parts(struct page *block);
unsigned int name_block(struct tell *tell, struct queue *queue, struct page *block,
			struct list_head *requests);

#endif
