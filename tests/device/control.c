// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test's hand on the host: files in /sys/kernel/debug/balloon_device.
 *
 * The rule: what can't be understood changes nothing, and the kernel's log says what
 * would have been.
 */
#define pr_fmt(format) "balloon_device: " format

#include <linux/bitmap.h>
#include <linux/debugfs.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "control.h"
#include "host.h"
#include "transport.h"

#define CONTROL_BYTES 64
#define DELAY_MS_MAX 10000

#define FEATURES_ALLOWED (GENMASK_ULL(VIRTIO_BALLOON_F_REPORTING, 0) | \
			  BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			  BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | \
			  BIT_ULL(VIRTIO_F_VERSION_1) | \
			  BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

struct transport *control_slot;
static struct dentry *directory;

static void show_features(struct seq_file *file)
{
	seq_printf(file, "0x%llx\n", control_slot->features);
}

static int write_features(const char *text)
{
	u64 features;

	if (kstrtou64(text, 16, &features) || (features & ~FEATURES_ALLOWED))
		return -EINVAL;
	return transport_set_features(control_slot, features);
}

static void show_queue_size(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->queue_size);
}

static int write_queue_size(const char *text)
{
	unsigned int size;

	if (kstrtouint(text, 0, &size) || size < 2 || size > RING_SIZE_MAX ||
	    !is_power_of_2(size))
		return -EINVAL;
	return transport_set_queue_size(control_slot, size);
}

static void show_queue_limit(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->queue_limit);
}

static int write_queue_limit(const char *text)
{
	unsigned int limit;

	if (kstrtouint(text, 0, &limit) || limit > HOST_QUEUES)
		return -EINVAL;
	transport_set_queue_limit(control_slot, limit);
	return 0;
}

static void show_ready_ms(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->ready_ms);
}

static int write_ready_ms(const char *text)
{
	unsigned int ms;

	if (kstrtouint(text, 0, &ms) || ms > DELAY_MS_MAX)
		return -EINVAL;
	transport_set_ready_ms(control_slot, ms);
	return 0;
}

static void show_notice_ms(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->notice_ms);
}

static int write_notice_ms(const char *text)
{
	unsigned int ms;

	if (kstrtouint(text, 0, &ms) || ms > DELAY_MS_MAX)
		return -EINVAL;
	transport_set_notice_ms(control_slot, ms);
	return 0;
}

static void show_plugged(struct seq_file *file)
{
	seq_printf(file, "%d\n", control_slot->state != TRANSPORT_EMPTY);
}

static int write_plugged(const char *text)
{
	if (!strcmp(text, "1"))
		return transport_plug(control_slot);
	if (!strcmp(text, "0"))
		return transport_unplug(control_slot, false);
	if (!strcmp(text, "surprise"))
		return transport_unplug(control_slot, true);
	return -EINVAL;
}

static int write_break(const char *text)
{
	return strcmp(text, "1") ? -EINVAL : transport_break(control_slot);
}

static void show_num_pages(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->host->num_pages);
}

static int write_num_pages(const char *text)
{
	u32 num_pages;

	if (kstrtou32(text, 0, &num_pages))
		return -EINVAL;
	transport_set_num_pages(control_slot, num_pages);
	return 0;
}

static void show_command(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->host->command);
}

static int write_command(const char *text)
{
	u32 command;

	if (kstrtou32(text, 0, &command))
		return -EINVAL;
	transport_set_command(control_slot, command);
	return 0;
}

static void show_used_length(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->host->used_length);
}

static int write_used_length(const char *text)
{
	u32 length;

	if (kstrtou32(text, 0, &length))
		return -EINVAL;
	mutex_lock(&control_slot->host->lock);
	control_slot->host->used_length = length;
	mutex_unlock(&control_slot->host->lock);
	return 0;
}

static void show_poison(struct seq_file *file)
{
	seq_printf(file, "0x%x\n", control_slot->host->poison);
}

static u64 sought;

static void show_came_back_with(struct seq_file *file)
{
	struct host *host = control_slot->host;

	mutex_lock(&host->lock);
	seq_printf(file, "%lu of %u\n", owned_came_back_with(&host->owned, sought),
		   bitmap_weight(host->owned.came_back, host->owned.limit));
	mutex_unlock(&host->lock);
}

static int write_came_back_with(const char *text)
{
	return kstrtou64(text, 16, &sought);
}

static void show_actual(struct seq_file *file)
{
	seq_printf(file, "%u\n", control_slot->host->actual);
}

static void show_status(struct seq_file *file)
{
	seq_printf(file, "0x%x\n", control_slot->host->status);
}

static void show_owned(struct seq_file *file)
{
	seq_printf(file, "%lu\n", control_slot->host->owned.count);
}

static void show_notified(struct seq_file *file)
{
	enum host_queue queue;

	for (queue = 0; queue < HOST_QUEUES; queue++)
		seq_printf(file, "%s %d\n", host_queue_names[queue],
			   atomic_read(&control_slot->host->notified[queue]));
}

static void show_scribble(struct seq_file *file)
{
	seq_printf(file, "%d\n", control_slot->host->scribbles);
}

static int write_scribble(const char *text)
{
	bool scribbles;

	if (kstrtobool(text, &scribbles))
		return -EINVAL;
	mutex_lock(&control_slot->host->lock);
	control_slot->host->scribbles = scribbles;
	mutex_unlock(&control_slot->host->lock);
	return 0;
}

static void show_log(struct seq_file *file)
{
	log_show(&control_slot->host->log, file);
}

static int write_log(const char *text)
{
	log_clear(&control_slot->host->log);
	return 0;
}

static void show_violations(struct seq_file *file)
{
	log_show(&control_slot->host->violations, file);
}

static void show_answer(struct seq_file *file, enum host_queue queue)
{
	static const char * const names[] = { "at-once", "never", "late", "step" };
	struct answer answer = control_slot->host->answers[queue];

	seq_puts(file, names[answer.mode]);
	if (answer.mode >= ANSWER_LATE)
		seq_printf(file, " %u", answer.value);
	seq_puts(file, "\n");
}

static int write_answer(const char *text, enum host_queue queue)
{
	struct answer answer = { .mode = ANSWER_NEVER };

	if (!strcmp(text, "at-once"))
		answer.mode = ANSWER_AT_ONCE;
	else if (str_has_prefix(text, "late "))
		answer.mode = ANSWER_LATE;
	else if (str_has_prefix(text, "step "))
		answer.mode = ANSWER_STEP;
	else if (strcmp(text, "never"))
		return -EINVAL;
	if (answer.mode >= ANSWER_LATE && kstrtouint(text + 5, 10, &answer.value))
		return -EINVAL;
	host_set_answer(control_slot->host, queue, answer);
	return 0;
}

static void show_answer_inflate(struct seq_file *file)
{
	show_answer(file, HOST_INFLATE);
}

static void show_answer_deflate(struct seq_file *file)
{
	show_answer(file, HOST_DEFLATE);
}

static void show_answer_statistics(struct seq_file *file)
{
	show_answer(file, HOST_STATISTICS);
}

static void show_answer_hint(struct seq_file *file)
{
	show_answer(file, HOST_HINT);
}

static void show_answer_report(struct seq_file *file)
{
	show_answer(file, HOST_REPORT);
}

static int write_answer_inflate(const char *text)
{
	return write_answer(text, HOST_INFLATE);
}

static int write_answer_deflate(const char *text)
{
	return write_answer(text, HOST_DEFLATE);
}

static int write_answer_statistics(const char *text)
{
	return write_answer(text, HOST_STATISTICS);
}

static int write_answer_hint(const char *text)
{
	return write_answer(text, HOST_HINT);
}

static int write_answer_report(const char *text)
{
	return write_answer(text, HOST_REPORT);
}

#define ANSWERS_ALLOWED "at-once, never, late <ms> or step <n>"

static const struct control controls[] = {
	{ "features", show_features, write_features,
	  "a hexadecimal number of bits 0 to 5, 28, 29, 32 and 33" },
	{ "queue_size", show_queue_size, write_queue_size, "a power of two from 2 to 1024" },
	{ "queue_limit", show_queue_limit, write_queue_limit, "a number from 0 to 5" },
	{ "ready_ms", show_ready_ms, write_ready_ms, "a number from 0 to 10000" },
	{ "notice_ms", show_notice_ms, write_notice_ms, "a number from 0 to 10000" },
	{ "plugged", show_plugged, write_plugged, "0, 1 or surprise" },
	{ "break", NULL, write_break, "1" },
	{ "num_pages", show_num_pages, write_num_pages, "a number of 32 bits" },
	{ "command", show_command, write_command, "a number of 32 bits" },
	{ "used_length", show_used_length, write_used_length, "a number of 32 bits" },
	{ "actual", show_actual },
	{ "poison", show_poison },
	{ "status", show_status },
	{ "owned", show_owned },
	{ "notified", show_notified },
	{ "came_back_with", show_came_back_with, write_came_back_with,
	  "a hexadecimal number of 64 bits" },
	{ "scribble", show_scribble, write_scribble, "0 or 1" },
	{ "answer_inflate", show_answer_inflate, write_answer_inflate, ANSWERS_ALLOWED },
	{ "answer_deflate", show_answer_deflate, write_answer_deflate, ANSWERS_ALLOWED },
	{ "answer_statistics", show_answer_statistics, write_answer_statistics,
	  ANSWERS_ALLOWED },
	{ "answer_hint", show_answer_hint, write_answer_hint, ANSWERS_ALLOWED },
	{ "answer_report", show_answer_report, write_answer_report, ANSWERS_ALLOWED },
	{ "log", show_log, write_log, "anything, which clears it" },
	{ "violations", show_violations },
};

static int control_show(struct seq_file *file, void *unused)
{
	const struct control *control = file->private;

	control->show(file);
	return 0;
}

static int control_file_open(struct inode *inode, struct file *file)
{
	const struct control *control = inode->i_private;

	if ((file->f_mode & FMODE_READ) && !control->show)
		return -EACCES;
	return single_open(file, control_show, inode->i_private);
}

static ssize_t control_write(struct file *file, const char __user *from, size_t count,
			     loff_t *position)
{
	const struct control *control = file_inode(file)->i_private;
	char text[CONTROL_BYTES] = "";
	int error = -EINVAL;

	if (!control->write)
		return -EACCES;
	if (count < sizeof(text)) {
		if (copy_from_user(text, from, count))
			return -EFAULT;
		error = control->write(strim(text));
	}
	if (error == -EINVAL)
		pr_err("%s is %s\n", control->name, control->allowed);
	return error ?: count;
}

static const struct file_operations control_operations = {
	.owner = THIS_MODULE,
	.open = control_file_open,
	.read = seq_read,
	.write = control_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void control_create(const struct control *control)
{
	debugfs_create_file(control->name,
			    (control->show ? 0444 : 0) | (control->write ? 0200 : 0), directory,
			    (void *)control, &control_operations);
}

/* May sleep. */
void control_open(struct transport *transport)
{
	unsigned int i;

	control_slot = transport;
	directory = debugfs_create_dir("balloon_device", NULL);
	for (i = 0; i < ARRAY_SIZE(controls); i++)
		control_create(&controls[i]);
	for (i = 0; i < control_hostile_count; i++)
		control_create(&control_hostile[i]);
}

/* Sleeps until nobody uses the files. */
void control_close(void)
{
	debugfs_remove(directory);
}
