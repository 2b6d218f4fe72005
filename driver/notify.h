/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_NOTIFY_H
#define AEROSTAT_NOTIFY_H

struct queue;

void notify_device(struct queue *queue);
void notify_unasked(struct queue *queue);
void notify_finish(struct queue *queue);

#endif
