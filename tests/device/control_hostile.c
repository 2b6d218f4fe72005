// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test's hand on a host that means harm: files beside those of control.c.
 *
 * The rule: what is armed here shows, and can be taken back.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "control.h"
#include "host.h"
#include "hostile.h"
#include "transport.h"

static const char * const orders[] = {
	[ORDER_KEPT] = "kept",
	[ORDER_REVERSED] = "reversed",
	[ORDER_RANDOM] = "random",
};

static const char * const lies[HOSTILE_LIES] = {
	[HOSTILE_ID] = "id",
	[HOSTILE_TWICE] = "twice",
	[HOSTILE_JUMP] = "jump",
	[HOSTILE_GARBAGE] = "garbage",
};

static void show_strike(struct seq_file *file)
{
	seq_printf(file, "%d\n", strikes_are_armed(&control_slot->host->strikes));
}

static int write_strike(const char *text)
{
	if (strcmp(text, "none"))
		return strikes_arm(&control_slot->host->strikes, text);
	strikes_disarm(&control_slot->host->strikes);
	return 0;
}

/* Without a device there is nobody to do it. */
static int write_act(const char *text)
{
	int action = strike_parse_action(text);
	int error = -ENODEV;

	if (action < 0)
		return action;
	mutex_lock(&control_slot->host->lock);
	if (control_slot->state == TRANSPORT_PLUGGED) {
		hostile_act(control_slot, action);
		error = 0;
	}
	mutex_unlock(&control_slot->host->lock);
	return error;
}

static int write_lie(const char *text)
{
	char queue_name[16], lie_name[16];
	int queue, lie, value = 0;

	if (sscanf(text, "%15s %15s %i", queue_name, lie_name, &value) < 2)
		return -EINVAL;
	queue = match_string(host_queue_names, HOST_QUEUES, queue_name);
	lie = match_string(lies, HOSTILE_LIES, lie_name);
	if (queue < 0 || lie < 0)
		return -EINVAL;
	return hostile_lie(control_slot->host, queue, lie, value);
}

static void show_order(struct seq_file *file)
{
	seq_printf(file, "%s\n", orders[control_slot->host->order]);
}

static int write_order(const char *text)
{
	int order = sysfs_match_string(orders, text);

	if (order < 0)
		return order;
	mutex_lock(&control_slot->host->lock);
	control_slot->host->order = order;
	mutex_unlock(&control_slot->host->lock);
	return 0;
}

static void show_chance(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->host->chance);
}

static int write_chance(const char *text)
{
	u32 chance;

	if (kstrtou32(text, 0, &chance))
		return -EINVAL;
	mutex_lock(&control_slot->host->lock);
	control_slot->host->chance = chance;
	mutex_unlock(&control_slot->host->lock);
	return 0;
}

static void show_reads(struct seq_file *file, const struct reads *reads)
{
	unsigned int i;

	for (i = 0; i < reads->count; i++)
		seq_printf(file, "%u ", reads->values[i]);
	seq_puts(file, "\n");
}

/* Numbers with a space between them, or nothing at all. */
static int write_reads(const char *text, struct reads *reads)
{
	u32 values[READS_MAX];
	unsigned int count = 0, i;
	int length;

	while (count < READS_MAX && sscanf(text, "%u %n", &values[count], &length) == 1) {
		text += length;
		count++;
	}
	if (*text)
		return -EINVAL;
	WRITE_ONCE(reads->count, 0);
	for (i = 0; i < count; i++)
		WRITE_ONCE(reads->values[i], values[i]);
	atomic_set(&reads->next, -1);
	/* Whoever reads the count finds the values. */
	smp_store_release(&reads->count, count);
	return 0;
}

static void show_num_pages_reads(struct seq_file *file)
{
	show_reads(file, &control_slot->host->num_pages_reads);
}

static int write_num_pages_reads(const char *text)
{
	return write_reads(text, &control_slot->host->num_pages_reads);
}

static void show_command_reads(struct seq_file *file)
{
	show_reads(file, &control_slot->host->command_reads);
}

static int write_command_reads(const char *text)
{
	return write_reads(text, &control_slot->host->command_reads);
}

static int write_storm(const char *text)
{
	unsigned int count;

	if (kstrtouint(text, 0, &count) || count > 100000)
		return -EINVAL;
	transport_interrupt(control_slot, count);
	return 0;
}

const struct control control_hostile[] = {
	{ "strike", show_strike, write_strike,
	  "none, or <event> <n> <action>: see strike.h" },
	{ "act", NULL, write_act, "an action: see strike.h" },
	{ "lie", NULL, write_lie, "<queue> id <id>, twice, jump <distance> or garbage" },
	{ "order", show_order, write_order, "kept, reversed or random" },
	{ "chance", show_chance, write_chance, "a number of 32 bits" },
	{ "num_pages_reads", show_num_pages_reads, write_num_pages_reads,
	  "up to 8 numbers of 32 bits" },
	{ "command_reads", show_command_reads, write_command_reads,
	  "up to 8 numbers of 32 bits" },
	{ "storm", NULL, write_storm, "a number from 0 to 100000" },
};

const unsigned int control_hostile_count = ARRAY_SIZE(control_hostile);
