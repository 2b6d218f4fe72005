/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_INFLATE_H
#define AEROSTAT_INFLATE_H

#include <linux/types.h>

struct list_head;
struct tell;

int inflate_memory(struct tell *tell, struct list_head *blocks, unsigned long limit,
		   bool (*stop)(void *argument), void *argument);

#endif
