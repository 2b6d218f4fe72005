/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes older kernels look like the newest one (7.2). The rest of the driver is written
 * against the newest kernel and knows of no other; every difference lives here.
 */
#ifndef AEROSTAT_COMPAT_H
#define AEROSTAT_COMPAT_H

#include <linux/mm.h>
#include <linux/page_reporting.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/version.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/vmstat.h>

#define COMPAT_SINCE(major, minor) \
	(LINUX_VERSION_MAJOR * 256 + LINUX_VERSION_PATCHLEVEL >= (major) * 256 + (minor))

#if !COMPAT_SINCE(6, 1)
#error "Aerostat is for Linux 6.1 and newer"
#endif

/* Allocating one object used to need its size and flags. */
#ifndef kzalloc_obj
#define kzalloc_obj(object)	kzalloc(sizeof(object), GFP_KERNEL)
#endif

/* The order of the allocator's largest block had other names and counted otherwise. */
#ifndef MAX_PAGE_ORDER
#if COMPAT_SINCE(6, 4)
#define MAX_PAGE_ORDER MAX_ORDER
#else
#define MAX_PAGE_ORDER (MAX_ORDER - 1)
#endif
#endif

/* The kernel's marks on pages, in words. */
#define compat_paste(left, right)	left ## right
#define page_mark_offline(page)		compat_paste(__, SetPageOffline)(page)
#define page_unmark_offline(page)	compat_paste(__, ClearPageOffline)(page)
#define page_is_offline(page)		PageOffline(page)
#define page_unmark_movable(page)	compat_paste(__, ClearPageMovable)(page)

/* What a shrinker frees beside slabs used to count as slab. */
#if !COMPAT_SINCE(6, 4)
static inline void mm_account_reclaimed_pages(unsigned long pages)
{
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
}
#endif

/* A kernel can be built without what moves balloon pages; the option was renamed in 7.x. */
#define compat_balloon_pages_move \
	(IS_ENABLED(CONFIG_BALLOON_COMPACTION) || IS_ENABLED(CONFIG_BALLOON_MIGRATION))

/* A kernel can be built without what finds free memory to report. */
#ifndef CONFIG_PAGE_REPORTING
#define page_reporting_register(device)		((void)(device), -EOPNOTSUPP)
#define page_reporting_unregister(device)	((void)(device))
#endif

/*
 * Shrinkers used to be part of their owner's memory, to have no room for its data, and to
 * fail when they were registered. Here a wrapper around the older structure is registered
 * when it is allocated, and has nothing to shrink until it is said to be registered.
 */
#if !COMPAT_SINCE(6, 7)
struct compat_shrinker {
	struct shrinker core;
	unsigned long (*count_objects)(struct compat_shrinker *shrinker,
				       struct shrink_control *control);
	unsigned long (*scan_objects)(struct compat_shrinker *shrinker,
				      struct shrink_control *control);
	long batch;
	void *private_data;
	bool registered;
};

static inline unsigned long compat_count_objects(struct shrinker *core,
						 struct shrink_control *control)
{
	struct compat_shrinker *shrinker = container_of(core, struct compat_shrinker, core);

	/* Pairs with compat_shrinker_register(): what it set is seen. */
	if (!smp_load_acquire(&shrinker->registered))
		return 0;
	return shrinker->count_objects(shrinker, control);
}

static inline unsigned long compat_scan_objects(struct shrinker *core,
						struct shrink_control *control)
{
	struct compat_shrinker *shrinker = container_of(core, struct compat_shrinker, core);

	return shrinker->scan_objects(shrinker, control);
}

static inline void compat_shrinker_free(struct compat_shrinker *shrinker)
{
	if (shrinker)
		unregister_shrinker(&shrinker->core);
	kfree(shrinker);
}

static inline void compat_shrinker_register(struct compat_shrinker *shrinker)
{
	/* The kernel reads it of any shrinker, and uses it if there is something to shrink. */
	data_race(shrinker->core.batch = shrinker->batch);
	/* Pairs with compat_count_objects(). */
	smp_store_release(&shrinker->registered, true);
}

static inline struct compat_shrinker *compat_shrinker_allocate(void)
{
	struct compat_shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (shrinker) {
		shrinker->core.count_objects = compat_count_objects;
		shrinker->core.scan_objects = compat_scan_objects;
		shrinker->core.seeks = DEFAULT_SEEKS;
	}
	return shrinker;
}

#define shrinker_alloc(flags, ...)						\
({										\
	struct compat_shrinker *shrinker_ = compat_shrinker_allocate();	\
										\
	if (shrinker_ && register_shrinker(&shrinker_->core, __VA_ARGS__)) {	\
		kfree(shrinker_);						\
		shrinker_ = NULL;						\
	}									\
	shrinker_;								\
})
#define shrinker_register compat_shrinker_register
#define shrinker_free compat_shrinker_free
#endif

/* Tags of statistics that older headers lack, though older kernels count them. */
#ifndef VIRTIO_BALLOON_S_OOM_KILL
#define VIRTIO_BALLOON_S_OOM_KILL	10
#define VIRTIO_BALLOON_S_ALLOC_STALL	11
#define VIRTIO_BALLOON_S_ASYNC_SCAN	12
#define VIRTIO_BALLOON_S_DIRECT_SCAN	13
#define VIRTIO_BALLOON_S_ASYNC_RECLAIM	14
#define VIRTIO_BALLOON_S_DIRECT_RECLAIM	15
#endif

/* Reclaim was counted as events before it was counted on each node. */
#if COMPAT_SINCE(7, 1)
#define compat_reclaimed_pages(events, item)	((void)(events), global_node_page_state(item))
#else
#define compat_reclaimed_pages(events, item)	((events)[item])
#endif

/* Whose driver it is the kernel did not always find out by itself. */
#if COMPAT_SINCE(6, 11)
#define COMPAT_OWNER
#else
#define COMPAT_OWNER .driver.owner = THIS_MODULE,
#endif

/* A device that its bus resets under the driver used to be lost. */
#if COMPAT_SINCE(6, 14)
#define COMPAT_RESET(prepare, done)	.reset_prepare = (prepare), .reset_done = (done),
#else
#define COMPAT_RESET(prepare, done)
#endif

/* Queues used to be described by one array for each of their properties. */
#if !COMPAT_SINCE(6, 11)
#define COMPAT_QUEUES_MAX 8

struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

static inline int compat_find_vqs(struct virtio_device *device, unsigned int count,
				  struct virtqueue *queues[], struct virtqueue_info infos[],
				  struct irq_affinity *affinity)
{
	vq_callback_t *callbacks[COMPAT_QUEUES_MAX];
	const char *names[COMPAT_QUEUES_MAX];
	unsigned int i;

	if (count > COMPAT_QUEUES_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		callbacks[i] = infos[i].callback;
		names[i] = infos[i].name;
	}
	return virtio_find_vqs(device, count, queues, callbacks, names, affinity);
}

#define virtio_find_vqs compat_find_vqs
#endif

/* What balloons hold was not always shown. */
#if COMPAT_SINCE(6, 15)
#define compat_show_held(page, pages)						\
	mod_node_page_state(page_pgdat(page), NR_BALLOON_PAGES, pages)
#else
#define compat_show_held(page, pages)	((void)(page))
#endif

#if COMPAT_SINCE(7, 0)
#include <linux/balloon.h>

/* The kernel changes it in place, under a lock that is not to be had. */
#define balloon_isolated_pages(info)	data_race((info)->isolated_pages)
#else
#include <linux/balloon_compaction.h>

/*
 * The newest kernel changes the managed page count and the list of balloon pages by
 * itself. Here a wrapper around the older structure does so, under the older names.
 */
struct compat_balloon_dev_info {
	struct balloon_dev_info core;
	int (*migratepage)(struct compat_balloon_dev_info *info, struct page *newpage,
			   struct page *page, enum migrate_mode mode);
	bool adjust_managed_page_count;
};

/* Older kernels insist that nobody looks at a page just then; here one may. */
static inline void compat_balloon_page_enqueue(struct compat_balloon_dev_info *info,
					       struct page *page, unsigned long *flags)
{
	if (!trylock_page(page)) {
		spin_unlock_irqrestore(&info->core.pages_lock, *flags);
		lock_page(page);
		spin_lock_irqsave(&info->core.pages_lock, *flags);
	}
	balloon_page_insert(&info->core, page);
	unlock_page(page);
	compat_show_held(page, 1);
}

/* Counts pages of one zone after the other, all that follow each other at once. */
static inline void compat_adjust_managed_page_count(struct list_head *pages, long sign)
{
	struct page *page, *first = NULL;
	long count = 0;

	list_for_each_entry(page, pages, lru) {
		if (first && page_zone(page) != page_zone(first)) {
			adjust_managed_page_count(first, sign * count);
			count = 0;
		}
		first = page;
		count++;
	}
	if (count)
		adjust_managed_page_count(first, sign * count);
}

static inline size_t compat_balloon_page_list_enqueue(struct compat_balloon_dev_info *info,
						      struct list_head *pages)
{
	struct page *page, *next;
	unsigned long flags;
	size_t count = 0;

	if (info->adjust_managed_page_count)
		compat_adjust_managed_page_count(pages, -1);
	spin_lock_irqsave(&info->core.pages_lock, flags);
	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		compat_balloon_page_enqueue(info, page, &flags);
		count++;
	}
	spin_unlock_irqrestore(&info->core.pages_lock, flags);
	count_vm_events(BALLOON_INFLATE, count);
	return count;
}

static inline size_t compat_balloon_page_list_dequeue(struct compat_balloon_dev_info *info,
						      struct list_head *pages, size_t want)
{
	LIST_HEAD(dequeued);
	size_t count;

	count = balloon_page_list_dequeue(&info->core, &dequeued, want);
	if (info->adjust_managed_page_count)
		compat_adjust_managed_page_count(&dequeued, 1);
	list_splice(&dequeued, pages);
	return count;
}

#ifdef CONFIG_BALLOON_COMPACTION
static inline void compat_balloon_page_moved(struct compat_balloon_dev_info *info,
					     struct page *newpage, struct page *page)
{
	bool other_zone = page_zone(page) != page_zone(newpage);

	get_page(newpage);
	balloon_page_insert(&info->core, newpage);
	__count_vm_event(BALLOON_MIGRATE);
	compat_show_held(page, -1);
	compat_show_held(newpage, 1);
	if (info->adjust_managed_page_count && other_zone) {
		adjust_managed_page_count(page, 1);
		adjust_managed_page_count(newpage, -1);
	}
}

/* What makes a page of the balloon a page like any other was not always to be had. */
#if COMPAT_SINCE(6, 17)
#define compat_balloon_page_finalize balloon_page_finalize
#else
static inline void compat_balloon_page_finalize(struct page *page)
{
	page_unmark_movable(page);
	set_page_private(page, 0);
	page_unmark_offline(page);
}
#endif

static inline int compat_migratepage(struct balloon_dev_info *core, struct page *newpage,
				     struct page *page, enum migrate_mode mode)
{
	struct compat_balloon_dev_info *info =
		container_of(core, struct compat_balloon_dev_info, core);
	unsigned long flags;
	int result;

	result = info->migratepage(info, newpage, page, mode);
	if (result)
		return result;

	spin_lock_irqsave(&core->pages_lock, flags);
	compat_balloon_page_moved(info, newpage, page);
	compat_balloon_page_finalize(page);
	put_page(page);
	core->isolated_pages--;
	spin_unlock_irqrestore(&core->pages_lock, flags);
	return 0;
}

#define compat_set_migratepage(info)	((info)->core.migratepage = compat_migratepage)

/* Who has moved a page is still in compat_migratepage() when the books are closed. */
static inline void compat_unregister_driver(struct virtio_driver *driver)
{
	unregister_virtio_driver(driver);
	synchronize_rcu_tasks();
}

#undef module_virtio_driver
#define module_virtio_driver(driver) \
	module_driver(driver, register_virtio_driver, compat_unregister_driver)
#else
#define compat_set_migratepage(info)	((void)(info))
#endif

static inline void compat_balloon_devinfo_init(struct compat_balloon_dev_info *info)
{
	balloon_devinfo_init(&info->core);
	info->migratepage = NULL;
	info->adjust_managed_page_count = false;
	compat_set_migratepage(info);
}

/* The kernel changes it in place, under its lock. */
#define balloon_isolated_pages(info)	data_race((info)->core.isolated_pages)

#define balloon_dev_info compat_balloon_dev_info
#define balloon_devinfo_init compat_balloon_devinfo_init
#define balloon_page_list_enqueue compat_balloon_page_list_enqueue
#define balloon_page_list_dequeue compat_balloon_page_list_dequeue
#endif

static inline void balloon_count_inflated(struct page *block, unsigned long pages)
{
	count_vm_events(BALLOON_INFLATE, pages);
	compat_show_held(block, pages);
}

static inline void balloon_count_deflated(struct page *block, unsigned long pages)
{
	count_vm_events(BALLOON_DEFLATE, pages);
	compat_show_held(block, -(long)pages);
}

/* Last, and included after all headers of the kernel: they mean the older structure. */
#if !COMPAT_SINCE(6, 7)
#define shrinker compat_shrinker
#endif

#endif
