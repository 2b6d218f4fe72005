/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_NOTICE_H
#define AEROSTAT_NOTICE_H

struct device;
struct tell;
struct virtio_device;

/* What the worker is at. */
enum resize_state {
	RESIZE_STOPPED,
	RESIZE_AT_TARGET,
	RESIZE_INFLATING,
	RESIZE_DEFLATING,
	RESIZE_HOLDING_OFF,	/* the guest was out of memory and took some back */
	RESIZE_OUT_OF_MEMORY,	/* the guest has no more to give */
	RESIZE_NOT_ANSWERING,	/* the device owes an answer */
};

/**
 * struct notice - what the log says about the worker
 * @device: the device; fixed
 * @tell: what the device is told; fixed
 * @said: the trouble that the log has last been told of; the worker's
 */
struct notice {
	struct device *device;
	struct tell *tell;
	enum resize_state said;
};

const char *notice_state_name(enum resize_state state);
void notice_prepare(struct notice *notice, struct virtio_device *device, struct tell *tell);
void notice_start(struct notice *notice);
void notice_state(struct notice *notice, enum resize_state state, unsigned long target);

#endif
