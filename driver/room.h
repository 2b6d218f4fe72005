/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_ROOM_H
#define AEROSTAT_ROOM_H

#include <linux/types.h>

struct list_head;
struct queue;
struct request;
struct tell;

unsigned int room_largest_order(struct tell *tell);
unsigned long room_batch_pages(struct tell *tell);
bool room_take(struct tell *tell, struct queue *queue, unsigned int reserve,
	       unsigned int count, struct list_head *requests, unsigned long limit);
struct request *room_take_one(struct tell *tell, struct queue *queue, unsigned int reserve,
			      unsigned long limit);
int room_wait(struct tell *tell, struct queue *queue, unsigned long limit);

#endif
