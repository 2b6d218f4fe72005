// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a host does that means harm, or has lost its mind.
 *
 * The rule: whatever it does, it does not write to memory that it does not own. Once a
 * queue's words may have made the driver use such memory too early, nothing is scribbled
 * on and nothing is called a violation until the next reset.
 */
#include <linux/kernel.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "host.h"
#include "hostile.h"
#include "transport.h"

#define STORM_INTERRUPTS 200
#define LEAVE_AGAIN (HZ / 100 ?: 1)

/* The field reads as the next of those values, if there are any. Any context. */
void hostile_read(struct reads *reads, __le32 *field)
{
	unsigned int count = READ_ONCE(reads->count);

	if (count)
		*field = cpu_to_le32(READ_ONCE(reads->values[(unsigned int)
			atomic_inc_return(&reads->next) % count]));
}

/* Under the lock. Return: 0; -ENODATA if there is nothing to lie about. */
static int hostile_tell(struct host *host, enum host_queue queue, enum hostile_lie lie, u32 value)
{
	struct ring *ring = &host->rings[queue];

	switch (lie) {
	case HOSTILE_ID:
		if (value < virtqueue_get_vring_size(ring->virtqueue))
			host_note_lie(host);
		ring_answer_id(ring, value);
		return 0;
	case HOSTILE_TWICE:
		if (!ring_held(ring))
			return -ENODATA;
		host_conclude(host, queue);
		ring_answer_twice(ring, host->used_length);
		return 0;
	case HOSTILE_JUMP:
		host_note_lie(host);
		ring_jump(ring, value);
		return 0;
	case HOSTILE_GARBAGE:
		host_note_lie(host);
		ring_fill(ring, host_chance, host);
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * Says what is not true, with that id or distance, and interrupts the driver. May sleep.
 * Return: 0; -ENODEV without that queue; -ENODATA if there is nothing to lie about.
 */
int hostile_lie(struct host *host, enum host_queue queue, enum hostile_lie lie, u32 value)
{
	struct ring *ring = &host->rings[queue];
	int error = -ENODEV;

	mutex_lock(&host->lock);
	if (ring->virtqueue && host_works(host)) {
		log_add(&host->log, "lie %s %u %u", host_queue_names[queue], lie, value);
		error = hostile_tell(host, queue, lie, value);
		if (!error)
			ring_interrupt_anyway(ring);
	}
	mutex_unlock(&host->lock);
	return error;
}

static void hostile_leave(struct work_struct *work)
{
	struct transport *transport = container_of(to_delayed_work(work), struct transport,
						   leaving);

	if (transport_unplug(transport, transport->by_surprise) == -EBUSY &&
	    READ_ONCE(transport->state) == TRANSPORT_PLUGGING)
		schedule_delayed_work(&transport->leaving, LEAVE_AGAIN);
}

static void hostile_speak(struct work_struct *work)
{
	struct transport *transport = container_of(work, struct transport, speaking);

	transport_speak(transport);
	transport_interrupt(transport, atomic_xchg(&transport->interrupts, 0));
}

static void hostile_be_silent(struct host *host)
{
	enum host_queue queue;

	for (queue = 0; queue < HOST_QUEUES; queue++)
		WRITE_ONCE(host->answers[queue].mode, ANSWER_NEVER);
}

static void hostile_unplug(struct transport *transport, bool by_surprise)
{
	transport->by_surprise = by_surprise;
	queue_delayed_work(system_unbound_wq, &transport->leaving, 0);
}

/* The device does that now. Any context in which the driver may use the device. */
void hostile_act(void *owner, enum strike_action action)
{
	struct transport *transport = owner;
	struct host *host = transport->host;

	log_add(&host->log, "strike %u", action);
	switch (action) {
	case STRIKE_BREAK:
		virtio_break_device(transport->device);
		break;
	case STRIKE_VANISH:
	case STRIKE_GONE:
		WRITE_ONCE(host->gone, true);
		if (action == STRIKE_VANISH)
			hostile_unplug(transport, true);
		break;
	case STRIKE_SURPRISE:
	case STRIKE_UNPLUG:
		hostile_unplug(transport, action == STRIKE_SURPRISE);
		break;
	case STRIKE_NEED_RESET:
		WRITE_ONCE(host->needs_reset, true);
		queue_work(system_unbound_wq, &transport->speaking);
		break;
	case STRIKE_SILENCE:
		hostile_be_silent(host);
		break;
	case STRIKE_STORM:
		atomic_add(STORM_INTERRUPTS, &transport->interrupts);
		queue_work(system_unbound_wq, &transport->speaking);
		break;
	default:
		break;
	}
}

/* Nothing happens yet. Does not sleep. */
void hostile_prepare(struct transport *transport)
{
	INIT_DELAYED_WORK(&transport->leaving, hostile_leave);
	INIT_WORK(&transport->speaking, hostile_speak);
	transport->host->strikes.act = hostile_act;
	transport->host->strikes.owner = transport;
}
