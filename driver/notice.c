// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the log says about the worker.
 *
 * The rule: one line for each trouble that a person should know of, in MiB and with what to
 * do, and not again before it is over. Memory that comes and goes is no trouble.
 */
#include <linux/crash_dump.h>
#include <linux/virtio.h>

#include "hold.h"
#include "notice.h"
#include "tell.h"

static const char * const notice_state_names[] = {
	[RESIZE_STOPPED] = "stopped",
	[RESIZE_AT_TARGET] = "at target",
	[RESIZE_INFLATING] = "inflating",
	[RESIZE_DEFLATING] = "deflating",
	[RESIZE_HOLDING_OFF] = "holding off",
	[RESIZE_OUT_OF_MEMORY] = "out of memory to give",
	[RESIZE_NOT_ANSWERING] = "device not answering",
};

/**
 * notice_state_name - a state in words
 * @state: what the worker is at
 *
 * Does not sleep.
 *
 * Return: the words.
 */
const char *notice_state_name(enum resize_state state)
{
	return notice_state_names[state];
}

static unsigned long to_mib(unsigned long pages)
{
	return pages >> (20 - PAGE_SHIFT);
}

/**
 * notice_prepare - know of whom to speak
 * @notice: what the log says
 * @device: the device
 * @tell: what the device is told
 *
 * Does not sleep.
 */
void notice_prepare(struct notice *notice, struct virtio_device *device, struct tell *tell)
{
	notice->device = &device->dev;
	notice->tell = tell;
}

/**
 * notice_start - there is no trouble yet
 * @notice: what the log says
 *
 * Does not sleep.
 */
void notice_start(struct notice *notice)
{
	notice->said = RESIZE_AT_TARGET;
	if (is_kdump_kernel())
		dev_info(notice->device, "this kernel is there to write a crash dump and keeps its memory: the balloon stays empty\n");
}

static void notice_trouble(struct notice *notice, enum resize_state trouble,
			   unsigned long target)
{
	struct hold *hold = notice->tell->hold;
	unsigned long held = to_mib(hold_count(hold));

	if (trouble == RESIZE_NOT_ANSWERING && !tell_works(notice->tell))
		dev_warn(notice->device, "the device is broken: the balloon stays at %lu MiB until the device is reset\n",
			 held);
	else if (trouble == RESIZE_NOT_ANSWERING)
		dev_warn(notice->device, "the device does not answer: the balloon stays at %lu of %lu MiB, %lu MiB more stay out of use, until it does; look at the host\n",
			 held, to_mib(target), to_mib(hold_named(hold)));
	else if (trouble == RESIZE_OUT_OF_MEMORY)
		dev_info(notice->device, "the guest has no more memory to give: %lu of %lu MiB are taken, the rest follows when it can\n",
			 held, to_mib(target));
	else
		dev_info(notice->device, "the guest is short of memory and takes some back: %lu of %lu MiB are left in the balloon\n",
			 held, to_mib(target));
}

/* Returns whether it is over. */
static bool notice_silence_ends(struct notice *notice, enum resize_state state)
{
	if (state == RESIZE_NOT_ANSWERING || tell_wait_answers(notice->tell, jiffies))
		return false;
	dev_info(notice->device, "the device answers again\n");
	return true;
}

/**
 * notice_state - say what is new
 * @notice: what the log says
 * @state: what the worker is at
 * @target: what it is to reach, in base pages
 *
 * Process context, no lock held: settles what the device has answered.
 */
void notice_state(struct notice *notice, enum resize_state state, unsigned long target)
{
	if (notice->said == RESIZE_NOT_ANSWERING) {
		if (!notice_silence_ends(notice, state))
			return;
		notice->said = RESIZE_AT_TARGET;
	}

	switch (state) {
	case RESIZE_AT_TARGET:
	case RESIZE_DEFLATING:
		notice->said = RESIZE_AT_TARGET;
		break;
	case RESIZE_HOLDING_OFF:
	case RESIZE_OUT_OF_MEMORY:
		if (notice->said != RESIZE_AT_TARGET)
			break;
		fallthrough;
	case RESIZE_NOT_ANSWERING:
		notice->said = state;
		notice_trouble(notice, state, target);
		break;
	default:
		break;
	}
}
