/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_HOSTILE_H
#define BALLOON_DEVICE_HOSTILE_H

#include <linux/types.h>

#include "host.h"

struct transport;

/* What a queue can say that is not true. */
enum hostile_lie {
	HOSTILE_ID,			/* a request was answered that was never made */
	HOSTILE_TWICE,			/* a request was answered two times */
	HOSTILE_JUMP,			/* the used index is somewhere else */
	HOSTILE_GARBAGE,		/* all used entries hold something else */
	HOSTILE_LIES,
};

void hostile_prepare(struct transport *transport);
void hostile_read(struct reads *reads, __le32 *field);
int hostile_lie(struct host *host, enum host_queue queue, enum hostile_lie lie, u32 value);
void hostile_act(void *owner, enum strike_action action);

#endif
