/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_CONTROL_H
#define BALLOON_DEVICE_CONTROL_H

struct seq_file;
struct transport;

/**
 * struct control - one file
 * @name: its name
 * @show: prints it, or NULL
 * @write: takes a line, or NULL; -EINVAL if it can't be understood
 * @allowed: what can be
 */
struct control {
	const char *name;
	void (*show)(struct seq_file *file);
	int (*write)(const char *text);
	const char *allowed;
};

/* What is controlled; the controls of a host that lies. */
extern struct transport *control_slot;
extern const struct control control_hostile[];
extern const unsigned int control_hostile_count;

void control_open(struct transport *transport);
void control_close(void);

#endif
