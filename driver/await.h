/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_AWAIT_H
#define AEROSTAT_AWAIT_H

#include <linux/types.h>

struct queue;

int await(struct queue *queue, bool (*reached)(void *argument), void *argument,
	  unsigned long limit);
int await_quiet(struct queue *queue, unsigned long limit);

#endif
