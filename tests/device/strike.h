/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_STRIKE_H
#define BALLOON_DEVICE_STRIKE_H

#include <linux/atomic.h>
#include <linux/types.h>

/* What the driver does; those with a queue come once for each. */
enum strike_event {
	STRIKE_GET,			/* reads a field of the configuration */
	STRIKE_SET,			/* writes one */
	STRIKE_LOOK,			/* reads the status */
	STRIKE_STATUS,			/* writes it */
	STRIKE_QUEUE,			/* has a queue set up */
	STRIKE_DELETE,			/* has the queues deleted */
	STRIKE_RESET,			/* resets the device */
	STRIKE_NOTIFY,			/* notifies a queue */
	STRIKE_REQUEST = STRIKE_NOTIFY + 5,	/* has posted a request */
	STRIKE_EVENTS = STRIKE_REQUEST + 5,
};

/* What the device does then. */
enum strike_action {
	STRIKE_NOTHING,
	STRIKE_BREAK,			/* its queues break */
	STRIKE_GONE,			/* it reads as all ones, and does no more */
	STRIKE_VANISH,			/* the same, and is then unplugged by surprise */
	STRIKE_SURPRISE,		/* it is unplugged by surprise */
	STRIKE_UNPLUG,			/* it is unplugged in order */
	STRIKE_NEED_RESET,		/* it says so, and does no more until then */
	STRIKE_SILENCE,			/* it answers nothing from now on */
	STRIKE_STORM,			/* it interrupts without a reason */
	STRIKE_ACTIONS,
};

/**
 * struct strike - what happens at one event
 * @left: how often the event is still to come until it happens; 0: never
 * @action: what
 */
struct strike {
	atomic_t left;
	enum strike_action action;
};

/**
 * struct strikes - what happens at which event
 * @all: one for each event
 * @act: does it, in any context
 * @owner: whose device it is
 */
struct strikes {
	struct strike all[STRIKE_EVENTS];
	void (*act)(void *owner, enum strike_action action);
	void *owner;
};

int strike_parse_action(const char *name);
int strikes_arm(struct strikes *strikes, const char *text);
void strikes_disarm(struct strikes *strikes);
bool strikes_are_armed(struct strikes *strikes);
void strikes_note(struct strikes *strikes, unsigned int event);

#endif
