// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The step of the driver's at which the device does something.
 *
 * The rule: steps are counted from the moment of arming, and each strike strikes once. So a
 * test, or a number that stands for a sequence, meets the driver at the same step again.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "host.h"
#include "strike.h"

static const char * const strike_events[] = {
	[STRIKE_GET] = "get",
	[STRIKE_SET] = "set",
	[STRIKE_LOOK] = "look",
	[STRIKE_STATUS] = "status",
	[STRIKE_QUEUE] = "queue",
	[STRIKE_DELETE] = "delete",
	[STRIKE_RESET] = "reset",
};

static const char * const strike_actions[STRIKE_ACTIONS] = {
	[STRIKE_NOTHING] = "nothing",
	[STRIKE_BREAK] = "break",
	[STRIKE_GONE] = "gone",
	[STRIKE_VANISH] = "vanish",
	[STRIKE_SURPRISE] = "surprise",
	[STRIKE_UNPLUG] = "unplug",
	[STRIKE_NEED_RESET] = "need-reset",
	[STRIKE_SILENCE] = "silence",
	[STRIKE_STORM] = "storm",
};

static int strike_find_event(const char *name)
{
	int event = match_string(strike_events, ARRAY_SIZE(strike_events), name);
	int queue;

	if (event >= 0)
		return event;
	if (str_has_prefix(name, "notify-"))
		event = STRIKE_NOTIFY;
	else if (str_has_prefix(name, "request-"))
		event = STRIKE_REQUEST;
	else
		return -EINVAL;
	queue = match_string(host_queue_names, HOST_QUEUES, strchr(name, '-') + 1);
	return queue < 0 ? queue : event + queue;
}

/* Return: the action of that name, or -EINVAL. */
int strike_parse_action(const char *name)
{
	return match_string(strike_actions, STRIKE_ACTIONS, name);
}

/*
 * "<event> <n> <action>": at the n-th such event from now. One for each event. May sleep.
 * Return: 0 or -EINVAL.
 */
int strikes_arm(struct strikes *strikes, const char *text)
{
	char name[24], action_name[16];
	int event, action;
	unsigned int left;

	if (sscanf(text, "%23s %u %15s", name, &left, action_name) != 3)
		return -EINVAL;
	event = strike_find_event(name);
	action = strike_parse_action(action_name);
	if (event < 0 || action < 0 || left > INT_MAX)
		return -EINVAL;
	atomic_set(&strikes->all[event].left, 0);
	WRITE_ONCE(strikes->all[event].action, action);
	atomic_set_release(&strikes->all[event].left, left);
	return 0;
}

/* Nothing happens any more. Any context. */
void strikes_disarm(struct strikes *strikes)
{
	unsigned int event;

	for (event = 0; event < STRIKE_EVENTS; event++)
		atomic_set(&strikes->all[event].left, 0);
}

/* Whether something is still to happen. Any context. */
bool strikes_are_armed(struct strikes *strikes)
{
	unsigned int event;

	for (event = 0; event < STRIKE_EVENTS; event++)
		if (atomic_read(&strikes->all[event].left))
			return true;
	return false;
}

/* The driver takes that step. Any context. */
void strikes_note(struct strikes *strikes, unsigned int event)
{
	struct strike *strike = &strikes->all[event];

	if (!atomic_dec_if_positive(&strike->left))
		strikes->act(strikes->owner, READ_ONCE(strike->action));
}
