/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_LOG_H
#define BALLOON_DEVICE_LOG_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct seq_file;

#define LOG_LINE_BYTES 448

/**
 * struct log - the newest lines of what was noted
 * @lock: guards what follows
 * @lines: a ring of lines
 * @capacity: how many lines fit; fixed
 * @written: lines ever written since it was cleared
 * @muted: whether nothing is noted now
 */
struct log {
	spinlock_t lock;	/* see above */
	char (*lines)[LOG_LINE_BYTES];
	unsigned int capacity;
	unsigned long written;
	bool muted;
};

int log_prepare(struct log *log, unsigned int capacity);
void log_free(struct log *log);
__printf(2, 3) void log_add(struct log *log, const char *format, ...);
void log_mute(struct log *log, bool muted);
void log_clear(struct log *log);
void log_show(struct log *log, struct seq_file *file);

#endif
