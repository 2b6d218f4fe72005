// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's side of one split virtqueue.
 *
 * The rule: requests are seen in the order in which they were posted, and answered in
 * that order unless another one is chosen; the driver is interrupted when it asked for it
 * and not otherwise. The lies are at the end. All is called under the host's lock.
 */
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "ring.h"

static const struct vring *vring_of(struct ring *ring)
{
	return virtqueue_get_vring(ring->virtqueue);
}

static bool ring_has_event_index(struct ring *ring)
{
	return virtio_has_feature(ring->virtqueue->vdev, VIRTIO_RING_F_EVENT_IDX);
}

/* A fresh virtqueue, nothing posted. */
void ring_open(struct ring *ring, struct virtqueue *virtqueue)
{
	ring->virtqueue = virtqueue;
	ring->seen = 0;
	ring->used = 0;
	ring->skew = 0;
}

/* The virtqueue is not touched again. */
void ring_close(struct ring *ring)
{
	ring->virtqueue = NULL;
	ring->used = ring->seen;
}

/* How many requests wait for their answer. */
unsigned int ring_held(struct ring *ring)
{
	return (u16)(ring->seen - ring->used);
}

/* The one that waits longest. */
struct held *ring_first_held(struct ring *ring)
{
	return &ring->held[ring->used % RING_SIZE_MAX];
}

/* How many requests were ever posted, modulo 65536; asks to be notified of the next. */
u16 ring_posted(struct ring *ring)
{
	const struct vring *vring;
	struct virtio_device *device;

	if (!ring->virtqueue)
		return ring->seen;
	vring = vring_of(ring);
	device = ring->virtqueue->vdev;
	if (ring_has_event_index(ring))
		vring_avail_event(vring) =
			cpu_to_virtio16(device, virtio16_to_cpu(device,
								READ_ONCE(vring->avail->idx)));
	/* The wish to be notified is written before the index is read. */
	virt_mb();
	return virtio16_to_cpu(device, READ_ONCE(vring->avail->idx));
}

/* How many requests were ever posted, modulo 65536; changes nothing, needs no lock. */
u16 ring_index_posted(struct ring *ring)
{
	struct virtqueue *virtqueue = READ_ONCE(ring->virtqueue);

	if (!virtqueue)
		return ring->seen;
	return virtio16_to_cpu(virtqueue->vdev, READ_ONCE(vring_of(ring)->avail->idx));
}

/* Whether something was posted that the device has not seen. */
bool ring_has_more(struct ring *ring)
{
	return ring_posted(ring) != ring->seen;
}

/* What the request with that first descriptor says. */
void ring_read(struct ring *ring, u16 head, struct chain *chain)
{
	struct virtio_device *device = ring->virtqueue->vdev;
	const struct vring *vring = vring_of(ring);
	const struct vring_desc *descriptor;
	u16 flags;

	chain->count = 0;
	do {
		descriptor = &vring->desc[head % vring->num];
		flags = virtio16_to_cpu(device, descriptor->flags);
		if (chain->count < CHAIN_PIECES_MAX) {
			struct piece *piece = &chain->pieces[chain->count];

			piece->data = phys_to_virt(virtio64_to_cpu(device, descriptor->addr));
			piece->bytes = virtio32_to_cpu(device, descriptor->len);
			piece->writable = flags & VRING_DESC_F_WRITE;
		}
		head = virtio16_to_cpu(device, descriptor->next);
	} while (++chain->count < vring->num && (flags & VRING_DESC_F_NEXT));
}

/*
 * Takes the next request, which is then held, if it is among the first @posted ones.
 * Return: false if there is none.
 */
bool ring_see(struct ring *ring, u16 posted, struct chain *chain)
{
	const struct vring *vring;
	struct held *held;

	if (!ring->virtqueue || ring->seen == posted)
		return false;
	/* The index was read before the entry and the descriptor are. */
	virt_rmb();
	vring = vring_of(ring);
	held = &ring->held[ring->seen % RING_SIZE_MAX];
	held->head = virtio16_to_cpu(ring->virtqueue->vdev,
				     vring->avail->ring[ring->seen % vring->num]);
	held->since = jiffies;
	ring->seen++;
	ring_read(ring, held->head, chain);
	return true;
}

/* Lets that one of the held requests, counted from 0, be the next to be answered. */
void ring_choose(struct ring *ring, unsigned int place)
{
	struct held chosen = ring->held[(u16)(ring->used + place) % RING_SIZE_MAX];

	for (; place; place--)
		ring->held[(u16)(ring->used + place) % RING_SIZE_MAX] =
			ring->held[(u16)(ring->used + place - 1) % RING_SIZE_MAX];
	*ring_first_held(ring) = chosen;
}

/* The used index, as the driver sees it. */
u16 ring_index(struct ring *ring)
{
	return ring->used + ring->skew;
}

static void ring_write(struct ring *ring, u16 place, u32 id, u32 length)
{
	const struct vring *vring = vring_of(ring);
	struct virtio_device *device = ring->virtqueue->vdev;
	struct vring_used_elem *element = &vring->used->ring[place % vring->num];

	element->id = cpu_to_virtio32(device, id);
	element->len = cpu_to_virtio32(device, length);
}

static void ring_publish(struct ring *ring)
{
	struct virtio_device *device = ring->virtqueue->vdev;

	/* The entries are written before the index. */
	virt_wmb();
	WRITE_ONCE(vring_of(ring)->used->idx, cpu_to_virtio16(device, ring_index(ring)));
}

/* Gives the request that waits longest back to the driver, as if so much were written. */
void ring_answer(struct ring *ring, u32 length)
{
	ring_write(ring, ring_index(ring), ring_first_held(ring)->head, length);
	ring->used++;
	ring_publish(ring);
}

static bool ring_wants_interrupt(struct ring *ring, u16 index_before)
{
	const struct vring *vring = vring_of(ring);
	struct virtio_device *device = ring->virtqueue->vdev;

	/* The index is written before the wish to be interrupted is read. */
	virt_mb();
	if (ring_has_event_index(ring))
		return vring_need_event(virtio16_to_cpu(device, vring_used_event(vring)),
					ring_index(ring), index_before);
	return !(READ_ONCE(vring->avail->flags) &
		 cpu_to_virtio16(device, VRING_AVAIL_F_NO_INTERRUPT));
}

/* Tells the driver of the answers since the index was that, as an interrupt would. */
void ring_interrupt(struct ring *ring, u16 index_before)
{
	if (ring_index(ring) != index_before && ring_wants_interrupt(ring, index_before))
		ring_interrupt_anyway(ring);
}

/* Interrupts a driver that may have nothing to look at, and may not have asked for it. */
void ring_interrupt_anyway(struct ring *ring)
{
	unsigned long flags;

	local_irq_save(flags);
	vring_interrupt(0, ring->virtqueue);
	local_irq_restore(flags);
}

/* Answers what may be no request at all. */
void ring_answer_id(struct ring *ring, u32 id)
{
	ring_write(ring, ring_index(ring), id, 0);
	ring->skew++;
	ring_publish(ring);
}

/* Answers the request that waits longest two times; the driver sees both at once. */
void ring_answer_twice(struct ring *ring, u32 length)
{
	u16 head = ring_first_held(ring)->head;

	ring_write(ring, ring_index(ring), head, length);
	ring_write(ring, ring_index(ring) + 1, head, length);
	ring->used++;
	ring->skew++;
	ring_publish(ring);
}

/* The used index is somewhere else, 65535 for one back. */
void ring_jump(struct ring *ring, u16 distance)
{
	ring->skew += distance;
	ring_publish(ring);
}

/* Fills all used entries with whatever comes next. */
void ring_fill(struct ring *ring, u32 (*next)(void *chance), void *chance)
{
	unsigned int place;

	for (place = 0; place < vring_of(ring)->num; place++)
		ring_write(ring, place, next(chance), next(chance));
}
