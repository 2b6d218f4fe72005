/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_CONTROL_H
#define BALLOON_DEVICE_CONTROL_H

struct transport;

void control_open(struct transport *transport);
void control_close(void);

#endif
