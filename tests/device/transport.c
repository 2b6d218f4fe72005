// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The slot that the virtio device is plugged into: what a bus does for a device, done
 * without a bus.
 *
 * The rule: the driver sees what it would see on any transport. It may notify in any
 * context; resetting and deleting queues waits until the host has let go of them. While
 * the driver comes or goes no lock is held, so that all controls work meanwhile.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/page-flags.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "compat.h"
#include "host.h"
#include "hostile.h"
#include "transport.h"

#define QUEUE_SIZE 128

static struct transport *transport_of(struct virtio_device *device)
{
	return platform_get_drvdata(to_platform_device(device->dev.parent));
}

static struct host *host_of(struct virtio_device *device)
{
	return transport_of(device)->host;
}

#define FIELD(name) offsetof(struct virtio_balloon_config, name)

/* A field is there for a driver that accepted its feature. */
static void device_check_field(struct virtio_device *device, const char *what,
			       unsigned int offset, unsigned int length)
{
	struct host *host = host_of(device);
	bool there = true;

	if (length != sizeof(__le32) || offset % sizeof(__le32))
		log_add(&host->violations, "configuration: %u bytes %s at %u", length, what,
			offset);
	if (offset == FIELD(free_page_hint_cmd_id))
		there = __virtio_test_bit(device, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
	if (offset == FIELD(poison_val))
		there = __virtio_test_bit(device, VIRTIO_BALLOON_F_PAGE_POISON);
	if (!there)
		log_add(&host->violations, "configuration: %s at %u without its feature", what,
			offset);
}

/* A device that is gone reads as all ones, and one that means harm as it was told to. */
static void device_distort(struct host *host, unsigned int offset,
			   struct virtio_balloon_config *config)
{
	if (READ_ONCE(host->gone))
		memset(config, 0xff, sizeof(*config));
	else if (offset == FIELD(num_pages))
		hostile_read(&host->num_pages_reads, &config->num_pages);
	else if (offset == FIELD(free_page_hint_cmd_id))
		hostile_read(&host->command_reads, &config->free_page_hint_cmd_id);
}

/*
 * Once the driver has been shown something else, the same round may be opened again. What it
 * sends is seen later, when it may have been shown more: so both are counted.
 */
static void device_note_shown(struct host *host, u32 command)
{
	if (command != host->shown_command && command > VIRTIO_BALLOON_CMD_ID_DONE)
		WRITE_ONCE(host->rounds_shown, host->rounds_shown + 1);
	host->shown_command = command;
}

static void device_get(struct virtio_device *device, unsigned int offset, void *buffer,
		       unsigned int length)
{
	struct host *host = host_of(device);
	struct virtio_balloon_config config = {
		.num_pages = cpu_to_le32(READ_ONCE(host->num_pages)),
		.actual = cpu_to_le32(READ_ONCE(host->actual)),
		.free_page_hint_cmd_id = cpu_to_le32(READ_ONCE(host->command)),
		.poison_val = cpu_to_le32(READ_ONCE(host->poison)),
	};

	strikes_note(&host->strikes, STRIKE_GET);
	device_check_field(device, "read", offset, length);
	device_distort(host, offset, &config);
	if (offset == FIELD(free_page_hint_cmd_id))
		device_note_shown(host, le32_to_cpu(config.free_page_hint_cmd_id));
	memset(buffer, 0xff, length);
	if (offset + length <= sizeof(config))
		memcpy(buffer, (void *)&config + offset, length);
}

static void device_set_poison(struct host *host, u32 value)
{
	if (host_is_ready(host))
		log_add(&host->violations, "configuration: poison_val written after DRIVER_OK");
	WRITE_ONCE(host->poison, value);
	log_add(&host->log, "write poison 0x%x", value);
}

/* A busy guest may let the driver write the size before the device has looked at its requests. */
static void device_set_actual(struct host *host, u32 value)
{
	struct ring *deflate = &host->rings[HOST_DEFLATE];
	u16 posted = ring_index_posted(deflate);

	if (posted != READ_ONCE(deflate->seen))
		log_add(&host->log, "posted deflate %u", posted);
	WRITE_ONCE(host->actual, value);
	log_add(&host->log, "write actual %u", value);
}

static void device_set(struct virtio_device *device, unsigned int offset, const void *buffer,
		       unsigned int length)
{
	struct host *host = host_of(device);

	strikes_note(&host->strikes, STRIKE_SET);
	device_check_field(device, "written", offset, length);
	if (length != sizeof(__le32) || READ_ONCE(host->gone))
		return;
	switch (offset) {
	case FIELD(actual):
		device_set_actual(host, le32_to_cpup(buffer));
		break;
	case FIELD(poison_val):
		device_set_poison(host, le32_to_cpup(buffer));
		break;
	default:
		log_add(&host->violations, "configuration: %u is not the driver's to write",
			offset);
	}
}

/* Never the same: who waits for two reads to agree waits for ever. */
static u32 device_generation(struct virtio_device *device)
{
	return atomic_inc_return(&host_of(device)->generation);
}

static u8 device_get_status(struct virtio_device *device)
{
	struct host *host = host_of(device);

	strikes_note(&host->strikes, STRIKE_LOOK);
	if (READ_ONCE(host->gone)) {
		host_let_go(host);
		return U8_MAX;
	}
	return READ_ONCE(host->status) |
	       (READ_ONCE(host->needs_reset) ? VIRTIO_CONFIG_S_NEEDS_RESET : 0);
}

static void device_set_status(struct virtio_device *device, u8 status)
{
	struct host *host = host_of(device);

	strikes_note(&host->strikes, STRIKE_STATUS);
	if (status & VIRTIO_CONFIG_S_DRIVER_OK && !host_is_ready(host))
		msleep(READ_ONCE(transport_of(device)->ready_ms));
	if (!READ_ONCE(host->gone))
		host_set_status(host, status, device->features);
}

static void device_reset(struct virtio_device *device)
{
	strikes_note(&host_of(device)->strikes, STRIKE_RESET);
	host_reset(host_of(device));
}

static u64 device_get_features(struct virtio_device *device)
{
	return READ_ONCE(host_of(device)->gone) ? U64_MAX : transport_of(device)->features;
}

static int device_finalize_features(struct virtio_device *device)
{
	vring_transport_features(device);
	log_add(&host_of(device)->log, "features 0x%llx", device->features);
	return 0;
}

static const char *device_bus_name(struct virtio_device *device)
{
	return "balloon_device";
}

/* Which queues a device has, by what it offers; it numbers them without gaps. */
static bool transport_offers(struct transport *transport, enum host_queue queue)
{
	static const unsigned int features[HOST_QUEUES] = {
		[HOST_STATISTICS] = VIRTIO_BALLOON_F_STATS_VQ,
		[HOST_HINT] = VIRTIO_BALLOON_F_FREE_PAGE_HINT,
		[HOST_REPORT] = VIRTIO_BALLOON_F_REPORTING,
	};

	return queue < HOST_STATISTICS || transport->features & BIT_ULL(features[queue]);
}

/* Return: HOST_QUEUES if the device has not so many. */
static enum host_queue transport_queue(struct transport *transport, unsigned int index)
{
	enum host_queue queue;

	for (queue = 0; queue < HOST_QUEUES; queue++)
		if (transport_offers(transport, queue) && !index--)
			break;
	return queue;
}

static bool device_notify(struct virtqueue *virtqueue)
{
	struct transport *transport = transport_of(virtqueue->vdev);
	enum host_queue queue = transport_queue(transport, virtqueue->index);

	strikes_note(&transport->host->strikes, STRIKE_NOTIFY + queue);
	host_notice(transport->host, queue);
	/* Any context: the processor stands still, as a hypervisor lets it. */
	mdelay(READ_ONCE(transport->notice_ms));
	return true;
}

static void device_del_vqs(struct virtio_device *device)
{
	struct host *host = host_of(device);
	struct virtqueue *virtqueue, *next;
	unsigned int i;

	strikes_note(&host->strikes, STRIKE_DELETE);
	mutex_lock(&host->lock);
	for (i = 0; i < HOST_QUEUES; i++)
		ring_close(&host->rings[i]);
	mutex_unlock(&host->lock);
	list_for_each_entry_safe(virtqueue, next, &device->vqs, list)
		vring_del_virtqueue(virtqueue);
}

static struct virtqueue *device_create_queue(struct virtio_device *device, unsigned int i,
					     vq_callback_t *callback, const char *name,
					     bool context)
{
	struct transport *transport = transport_of(device);
	enum host_queue queue = transport_queue(transport, i);
	struct virtqueue *virtqueue;

	strikes_note(&transport->host->strikes, STRIKE_QUEUE);
	if (queue == HOST_QUEUES || i >= READ_ONCE(transport->queue_limit) ||
	    READ_ONCE(transport->host->gone))
		return ERR_PTR(-ENOENT);
	virtqueue = vring_create_virtqueue(i, transport->queue_size, PAGE_SIZE, device, true,
					   false, context, device_notify, callback, name);
	if (!virtqueue)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&transport->host->lock);
	ring_open(&transport->host->rings[queue], virtqueue);
	mutex_unlock(&transport->host->lock);
	return virtqueue;
}

static int device_find_vqs(struct virtio_device *device, unsigned int count,
			   struct virtqueue *queues[], struct virtqueue_info infos[],
			   struct irq_affinity *affinity)
{
	unsigned int i, index = 0;

	for (i = 0; i < count; i++) {
		queues[i] = NULL;
		if (infos[i].name)
			queues[i] = device_create_queue(device, index++, infos[i].callback,
							infos[i].name, infos[i].ctx);
		if (IS_ERR(queues[i])) {
			device_del_vqs(device);
			return PTR_ERR(queues[i]);
		}
	}
	return 0;
}

COMPAT_FIND_VQS(device_find_vqs)

static const struct virtio_config_ops device_operations = {
	.get = device_get,
	.set = device_set,
	.generation = device_generation,
	.get_status = device_get_status,
	.set_status = device_set_status,
	.reset = device_reset,
	.find_vqs = compat_find_vqs(device_find_vqs),
	.del_vqs = device_del_vqs,
	.get_features = device_get_features,
	.finalize_features = device_finalize_features,
	.bus_name = device_bus_name,
};

static void device_release(struct device *device)
{
	kfree(dev_to_virtio(device));
}

/* Moves on if it stands there. Return: false if it does not. */
static bool transport_move(struct transport *transport, enum transport_state from,
			   enum transport_state to)
{
	bool moves;

	mutex_lock(&transport->host->lock);
	moves = transport->state == from;
	if (moves)
		transport->state = to;
	mutex_unlock(&transport->host->lock);
	return moves;
}

static struct virtio_device *device_new(struct transport *transport)
{
	struct virtio_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return NULL;
	device->dev.parent = &transport->parent->dev;
	device->dev.release = device_release;
	device->id.device = VIRTIO_ID_BALLOON;
	device->config = &device_operations;
	return device;
}

/* Puts a device in; its driver is probed before this returns. May sleep. */
int transport_plug(struct transport *transport)
{
	struct virtio_device *device;
	int error;

	if (!transport_move(transport, TRANSPORT_EMPTY, TRANSPORT_PLUGGING))
		return -EBUSY;
	/* What struck the device before this one has come too late. */
	cancel_delayed_work_sync(&transport->leaving);
	device = device_new(transport);
	error = device ? 0 : -ENOMEM;
	if (!error) {
		host_begin(transport->host);
		transport->device = device;
		error = register_virtio_device(device);
		if (error)
			put_device(&device->dev);
	}
	if (error)
		transport->device = NULL;
	transport_move(transport, TRANSPORT_PLUGGING,
		       error ? TRANSPORT_EMPTY : TRANSPORT_PLUGGED);
	return error;
}

/* Takes the device out; its driver has let go when this returns. Sleeps. */
int transport_unplug(struct transport *transport, bool by_surprise)
{
	if (!transport_move(transport, TRANSPORT_PLUGGED, TRANSPORT_UNPLUGGING))
		return transport->state == TRANSPORT_EMPTY ? 0 : -EBUSY;
	if (by_surprise)
		virtio_break_device(transport->device);
	unregister_virtio_device(transport->device);
	host_end(transport->host);
	transport->device = NULL;
	transport_move(transport, TRANSPORT_UNPLUGGING, TRANSPORT_EMPTY);
	return 0;
}

/* Breaks all queues. May sleep. */
int transport_break(struct transport *transport)
{
	int error = -ENODEV;

	mutex_lock(&transport->host->lock);
	if (transport->state == TRANSPORT_PLUGGED) {
		virtio_break_device(transport->device);
		error = 0;
	}
	mutex_unlock(&transport->host->lock);
	return error;
}

/* May sleep. */
int transport_set_features(struct transport *transport, u64 features)
{
	int error = -EBUSY;

	mutex_lock(&transport->host->lock);
	if (transport->state == TRANSPORT_EMPTY) {
		transport->features = features;
		error = 0;
	}
	mutex_unlock(&transport->host->lock);
	return error;
}

/* May sleep. */
int transport_set_queue_size(struct transport *transport, unsigned int size)
{
	int error = -EBUSY;

	mutex_lock(&transport->host->lock);
	if (transport->state == TRANSPORT_EMPTY) {
		transport->queue_size = size;
		error = 0;
	}
	mutex_unlock(&transport->host->lock);
	return error;
}

/* Works at once: a driver that starts again meets the new limit. May sleep. */
void transport_set_queue_limit(struct transport *transport, unsigned int limit)
{
	mutex_lock(&transport->host->lock);
	WRITE_ONCE(transport->queue_limit, limit);
	mutex_unlock(&transport->host->lock);
}

/* Works the next time that a driver says that it is ready. May sleep. */
void transport_set_ready_ms(struct transport *transport, unsigned int ms)
{
	mutex_lock(&transport->host->lock);
	WRITE_ONCE(transport->ready_ms, ms);
	mutex_unlock(&transport->host->lock);
}

/* Works at once. May sleep. */
void transport_set_notice_ms(struct transport *transport, unsigned int ms)
{
	mutex_lock(&transport->host->lock);
	WRITE_ONCE(transport->notice_ms, ms);
	mutex_unlock(&transport->host->lock);
}

/* Says that the configuration has changed. May sleep. */
void transport_speak(struct transport *transport)
{
	mutex_lock(&transport->host->lock);
	if (transport->state == TRANSPORT_PLUGGED)
		virtio_config_changed(transport->device);
	mutex_unlock(&transport->host->lock);
}

static void transport_interrupt_once(struct transport *transport)
{
	struct virtqueue *virtqueue;
	enum host_queue queue;

	for (queue = 0; queue < HOST_QUEUES; queue++) {
		virtqueue = transport->host->rings[queue].virtqueue;
		if (!virtqueue || !host_is_ready(transport->host))
			continue;
		ring_interrupt_anyway(&transport->host->rings[queue]);
		/* As if the driver had taken all there was in between. */
		local_irq_disable();
		virtqueue->callback(virtqueue);
		local_irq_enable();
	}
}

/* Interrupts for each queue and for the configuration, without a reason. May sleep. */
void transport_interrupt(struct transport *transport, unsigned int count)
{
	while (count--) {
		mutex_lock(&transport->host->lock);
		transport_interrupt_once(transport);
		mutex_unlock(&transport->host->lock);
		transport_speak(transport);
		cond_resched();
	}
}

static void transport_set_field(struct transport *transport, u32 *field, u32 value,
				const char *name)
{
	mutex_lock(&transport->host->lock);
	WRITE_ONCE(*field, value);
	log_add(&transport->host->log, "the host's %s %u", name, value);
	mutex_unlock(&transport->host->lock);
	transport_speak(transport);
}

/* Sets the target and tells the driver. May sleep. */
void transport_set_num_pages(struct transport *transport, u32 num_pages)
{
	transport_set_field(transport, &transport->host->num_pages, num_pages, "num_pages");
}

/* Sets what the host wants to hear of free memory, and tells the driver. May sleep. */
void transport_set_command(struct transport *transport, u32 command)
{
	transport_set_field(transport, &transport->host->command, command, "command");
}

#ifdef CONFIG_PM_SLEEP
static int transport_freeze(struct device *device)
{
	struct transport *transport = dev_get_drvdata(device);

	return transport->device ? virtio_device_freeze(transport->device) : 0;
}

static int transport_restore(struct device *device)
{
	struct transport *transport = dev_get_drvdata(device);

	/* Of one that went away meanwhile the bus would say so. */
	if (!transport->device || READ_ONCE(transport->host->gone))
		return 0;
	return virtio_device_restore(transport->device);
}
#endif

static SIMPLE_DEV_PM_OPS(transport_sleep, transport_freeze, transport_restore);

static struct platform_driver transport_driver = {
	.driver = {
		.name = "balloon_device",
		.pm = &transport_sleep,
	},
};

/* An empty slot. May sleep. */
int transport_prepare(struct transport *transport, struct host *host)
{
	int error;

	transport->host = host;
	transport->features = BIT_ULL(VIRTIO_F_VERSION_1);
	transport->queue_size = QUEUE_SIZE;
	transport->queue_limit = HOST_QUEUES;
	error = platform_driver_register(&transport_driver);
	if (error)
		return error;
	transport->parent = platform_device_register_simple("balloon_device", -1, NULL, 0);
	if (IS_ERR(transport->parent)) {
		platform_driver_unregister(&transport_driver);
		return PTR_ERR(transport->parent);
	}
	platform_set_drvdata(transport->parent, transport);
	hostile_prepare(transport);
	return 0;
}

/* Takes the device out if there is one. Sleeps. */
void transport_free(struct transport *transport)
{
	strikes_disarm(&transport->host->strikes);
	cancel_delayed_work_sync(&transport->leaving);
	transport_unplug(transport, false);
	cancel_delayed_work_sync(&transport->leaving);
	cancel_work_sync(&transport->speaking);
	platform_device_unregister(transport->parent);
	platform_driver_unregister(&transport_driver);
}
