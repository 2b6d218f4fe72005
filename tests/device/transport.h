/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BALLOON_DEVICE_TRANSPORT_H
#define BALLOON_DEVICE_TRANSPORT_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct host;
struct platform_device;
struct virtio_device;

enum transport_state {
	TRANSPORT_EMPTY,
	TRANSPORT_PLUGGING,
	TRANSPORT_PLUGGED,
	TRANSPORT_UNPLUGGING,
};

/**
 * struct transport - the slot that the virtio device is plugged into
 * @host: what stands behind the device; fixed
 * @parent: the device's parent, which sleeps and wakes with the system; fixed
 * @state: whether there is a device; the host's lock
 * @device: the device, while there is one; the host's lock
 * @features: what the device offers, a bit for each; the host's lock
 * @queue_size: how many buffers fit into each queue; the host's lock
 * @queue_limit: how many queues can be had before the next fails; the host's lock
 * @ready_ms: how long the device takes to be ready, in ms; the host's lock
 * @notice_ms: how long a notification takes, in ms; the host's lock
 * @leaving: takes the device out, because it struck
 * @by_surprise: whether by surprise
 * @speaking: tells the driver that something has changed, because the device struck
 * @interrupts: how many interrupts without a reason are still to come
 */
struct transport {
	struct host *host;
	struct platform_device *parent;
	enum transport_state state;
	struct virtio_device *device;
	u64 features;
	unsigned int queue_size;
	unsigned int queue_limit;
	unsigned int ready_ms;
	unsigned int notice_ms;
	struct delayed_work leaving;
	bool by_surprise;
	struct work_struct speaking;
	atomic_t interrupts;
};

int transport_prepare(struct transport *transport, struct host *host);
void transport_free(struct transport *transport);
int transport_plug(struct transport *transport);
int transport_unplug(struct transport *transport, bool by_surprise);
int transport_break(struct transport *transport);
int transport_set_features(struct transport *transport, u64 features);
int transport_set_queue_size(struct transport *transport, unsigned int size);
void transport_set_queue_limit(struct transport *transport, unsigned int limit);
void transport_set_ready_ms(struct transport *transport, unsigned int ms);
void transport_set_notice_ms(struct transport *transport, unsigned int ms);
void transport_speak(struct transport *transport);
void transport_interrupt(struct transport *transport, unsigned int count);
void transport_set_num_pages(struct transport *transport, u32 num_pages);
void transport_set_command(struct transport *transport, u32 command);

#endif
