// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The figures that the host asks for.
 *
 * The rule: the device has one buffer at most (S1), gets it after the start (S2) and again
 * whenever it gave it back (S3), filled anew (S4) with the same tags each time (S5). A tag
 * is there if this kernel can count it, whatever the figure.
 */
#include <linux/mm.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "notify.h"
#include "statistics.h"

#define STATISTICS_BYTES (STATISTICS_MAX * ENCODE_ENTRY_BYTES)

static u64 to_bytes(unsigned long pages)
{
	return (u64)pages << PAGE_SHIFT;
}

static struct statistic *statistics_add(struct statistic *next, u16 tag, u64 value)
{
	next->tag = tag;
	next->value = value;
	return next + 1;
}

static struct statistic *statistics_add_faults(struct statistic *next,
					       const unsigned long *events)
{
	next = statistics_add(next, VIRTIO_BALLOON_S_SWAP_IN, to_bytes(events[PSWPIN]));
	next = statistics_add(next, VIRTIO_BALLOON_S_SWAP_OUT, to_bytes(events[PSWPOUT]));
	next = statistics_add(next, VIRTIO_BALLOON_S_MAJFLT, events[PGMAJFAULT]);
	return statistics_add(next, VIRTIO_BALLOON_S_MINFLT, events[PGFAULT]);
}

static struct statistic *statistics_add_huge_pages(struct statistic *next,
						   const unsigned long *events)
{
#ifdef CONFIG_HUGETLB_PAGE
	next = statistics_add(next, VIRTIO_BALLOON_S_HTLB_PGALLOC, events[HTLB_BUDDY_PGALLOC]);
	next = statistics_add(next, VIRTIO_BALLOON_S_HTLB_PGFAIL,
			      events[HTLB_BUDDY_PGALLOC_FAIL]);
#endif
	return next;
}

static unsigned long statistics_stalls(const unsigned long *events)
{
	unsigned long stalls = 0;
	unsigned int zone;

	for (zone = 0; zone < MAX_NR_ZONES; zone++)
		stalls += events[ALLOCSTALL_NORMAL - ZONE_NORMAL + zone];
	return stalls;
}

static struct statistic *statistics_add_reclaim(struct statistic *next,
						const unsigned long *events)
{
	next = statistics_add(next, VIRTIO_BALLOON_S_OOM_KILL, events[OOM_KILL]);
	next = statistics_add(next, VIRTIO_BALLOON_S_ALLOC_STALL, statistics_stalls(events));
	next = statistics_add(next, VIRTIO_BALLOON_S_ASYNC_SCAN,
			      to_bytes(compat_reclaimed_pages(events, PGSCAN_KSWAPD)));
	next = statistics_add(next, VIRTIO_BALLOON_S_DIRECT_SCAN,
			      to_bytes(compat_reclaimed_pages(events, PGSCAN_DIRECT)));
	next = statistics_add(next, VIRTIO_BALLOON_S_ASYNC_RECLAIM,
			      to_bytes(compat_reclaimed_pages(events, PGSTEAL_KSWAPD)));
	return statistics_add(next, VIRTIO_BALLOON_S_DIRECT_RECLAIM,
			      to_bytes(compat_reclaimed_pages(events, PGSTEAL_DIRECT)));
}

static struct statistic *statistics_add_memory(struct statistic *next)
{
	unsigned long caches = global_node_page_state(NR_FILE_PAGES);
	long available = max(si_mem_available(), 0L);
	struct sysinfo info;

	si_meminfo(&info);
	next = statistics_add(next, VIRTIO_BALLOON_S_MEMFREE, to_bytes(info.freeram));
	next = statistics_add(next, VIRTIO_BALLOON_S_MEMTOT, to_bytes(info.totalram));
	next = statistics_add(next, VIRTIO_BALLOON_S_AVAIL, to_bytes(available));
	return statistics_add(next, VIRTIO_BALLOON_S_CACHES, to_bytes(caches));
}

/* In the order of their tags. Returns how many there are. */
static size_t statistics_read(struct statistics *statistics)
{
	const bool counts_events = IS_ENABLED(CONFIG_VM_EVENT_COUNTERS);
	unsigned long *events = statistics->events;
	struct statistic *next = statistics->list;

	all_vm_events(events);
	if (counts_events)
		next = statistics_add_faults(next, events);
	next = statistics_add_memory(next);
	if (counts_events)
		next = statistics_add_huge_pages(next, events);
	if (counts_events)
		next = statistics_add_reclaim(next, events);
	return next - statistics->list;
}

static void statistics_post(struct statistics *statistics, struct request *request)
{
	size_t count = statistics_read(statistics);

	request->length = encode_statistics(request->buffer, STATISTICS_BYTES,
					    statistics->list, count,
					    virtio_is_little_endian(statistics->device));
	if (queue_post(&statistics->queue, request))
		queue_put(&statistics->queue, request);
	else
		notify_device(&statistics->queue);
}

static void statistics_work(struct work_struct *work)
{
	struct statistics *statistics = container_of(work, struct statistics, work);

	queue_settle(&statistics->queue);
	statistics_start(statistics);
}

static void statistics_on_answer(struct queue *queue)
{
	struct statistics *statistics = container_of(queue, struct statistics, queue);

	queue_work(statistics->workqueue, &statistics->work);
}

/**
 * statistics_prepare - allocate all that answering the host will need
 * @statistics: the figures
 * @device: the device, its features negotiated
 * @workqueue: where to work; freezable
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM, with nothing left allocated.
 */
int statistics_prepare(struct statistics *statistics, struct virtio_device *device,
		       struct workqueue_struct *workqueue)
{
	struct request_shape shape = { 1, STATISTICS_BYTES };

	statistics->device = device;
	statistics->workqueue = workqueue;
	INIT_WORK(&statistics->work, statistics_work);
	return queue_prepare(&statistics->queue, shape, statistics_on_answer);
}

/**
 * statistics_free - free what statistics_prepare() allocated
 * @statistics: the figures; stopped
 *
 * May sleep.
 */
void statistics_free(struct statistics *statistics)
{
	queue_free(&statistics->queue);
}

/**
 * statistics_start - give the device its buffer, unless it has it
 * @statistics: the figures, their queue open, the device ready
 *
 * May sleep. Keeps rules S1 and S2.
 */
void statistics_start(struct statistics *statistics)
{
	struct request *request = queue_take(&statistics->queue, 0);

	if (request)
		statistics_post(statistics, request);
}

/**
 * statistics_stop - answer no more
 * @statistics: the figures; stopping what was never started does nothing
 *
 * Sleeps until an answer that is under way is done.
 */
void statistics_stop(struct statistics *statistics)
{
	queue_close(&statistics->queue);
	cancel_work_sync(&statistics->work);
}
