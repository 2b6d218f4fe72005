// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines that a test reads.
 *
 * The rule: all memory is there from the start, so that noting something never allocates
 * and works in any context; when it is full the oldest line makes way.
 */
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

#include "log.h"

/* May sleep. Return: 0 or -ENOMEM. */
int log_prepare(struct log *log, unsigned int capacity)
{
	spin_lock_init(&log->lock);
	log->capacity = capacity;
	log->lines = vzalloc(capacity * LOG_LINE_BYTES);
	return log->lines ? 0 : -ENOMEM;
}

/* May sleep. */
void log_free(struct log *log)
{
	vfree(log->lines);
}

/* Any context. */
void log_add(struct log *log, const char *format, ...)
{
	unsigned long flags;
	va_list arguments;

	va_start(arguments, format);
	spin_lock_irqsave(&log->lock, flags);
	if (!log->muted)
		vscnprintf(log->lines[log->written++ % log->capacity], LOG_LINE_BYTES, format,
			   arguments);
	spin_unlock_irqrestore(&log->lock, flags);
	va_end(arguments);
}

/* Notes nothing, or everything again. Any context. */
void log_mute(struct log *log, bool muted)
{
	unsigned long flags;

	spin_lock_irqsave(&log->lock, flags);
	log->muted = muted;
	spin_unlock_irqrestore(&log->lock, flags);
}

/* Any context. */
void log_clear(struct log *log)
{
	unsigned long flags;

	spin_lock_irqsave(&log->lock, flags);
	log->written = 0;
	spin_unlock_irqrestore(&log->lock, flags);
}

/* Does not sleep. */
void log_show(struct log *log, struct seq_file *file)
{
	unsigned long i, flags;

	spin_lock_irqsave(&log->lock, flags);
	i = log->written > log->capacity ? log->written - log->capacity : 0;
	for (; i < log->written; i++)
		seq_printf(file, "%s\n", log->lines[i % log->capacity]);
	spin_unlock_irqrestore(&log->lock, flags);
}
