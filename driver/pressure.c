// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest is out of memory: it gets some back from the balloon before anyone is killed.
 *
 * The rule: called from whatever allocation has failed, this allocates nothing, takes no
 * lock that anyone holds while waiting, and does not wait for the host, except for a
 * short while under MUST_TELL_HOST, where memory may not be used before the answer. The
 * worker may just have taken memory that it can't name yet: it hears of the need and gives
 * that back, for which it gets a short while as well.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/vmstat.h>

#include "deflate.h"
#include "hold.h"
#include "need.h"
#include "pressure.h"
#include "resize.h"
#include "tell.h"
#include "trace.h"

/* The kernel asks those with a higher number first. */
#define PRESSURE_PRIORITY 80

/* What the requests that are kept for this can name, to begin with. */
#define OOM_PAGES_MAX ((unsigned int)(TELL_RESERVE_RESCUE * TELL_PAGES))

/* How long to wait for the device under MUST_TELL_HOST, and for the worker, in jiffies. */
#define PRESSURE_WAIT (HZ / 5 ?: 1)

static unsigned int oom_pages = 256;

static int pressure_set_oom_pages(const char *text, const struct kernel_param *parameter)
{
	unsigned int pages;

	if (kstrtouint(text, 0, &pages) || pages < 1 || pages > OOM_PAGES_MAX) {
		pr_err("virtio_balloon: oom_pages is a number of guest pages from 1 to %u; it stays %u\n",
		       OOM_PAGES_MAX, oom_pages);
		return -EINVAL;
	}
	WRITE_ONCE(oom_pages, pages);
	return 0;
}

static const struct kernel_param_ops oom_pages_ops = {
	.set = pressure_set_oom_pages,
	.get = param_get_uint,
};

module_param_cb(oom_pages, &oom_pages_ops, &oom_pages, 0644);
__MODULE_PARM_TYPE(oom_pages, "uint");
MODULE_PARM_DESC(oom_pages,
		 "Guest pages to give back when the guest is out of memory, twice as many each time in a row (1 to 8192, with pages of 64 KiB 1 to 512; default 256)");

/* Returns whether there was anything to wait for. */
static bool pressure_wait_worker(struct tell *tell)
{
	unsigned long limit = jiffies + PRESSURE_WAIT;
	bool waits = READ_ONCE(tell->taking);

	while (READ_ONCE(tell->taking) && time_before(jiffies, limit))
		schedule_timeout_idle(1);
	return waits;
}

static int pressure_notify(struct notifier_block *notifier, unsigned long unused, void *freed)
{
	struct pressure *pressure = container_of(notifier, struct pressure, notifier);
	unsigned long before = global_zone_page_state(NR_FREE_PAGES);
	struct tell *tell = pressure->tell;
	unsigned long count, returned, after;
	ktime_t begin = ktime_get();
	bool waited;

	count = need_begin(pressure->need, READ_ONCE(oom_pages));
	returned = deflate_at_once(tell, count, tell_patience(tell, PRESSURE_WAIT));
	resize_wake(pressure->resize);
	waited = !returned && pressure_wait_worker(tell);

	/* What came free while we waited spares somebody's life as well. */
	after = global_zone_page_state(NR_FREE_PAGES);
	if (!returned && (waited || tell->must_tell) && after > before)
		returned = after - before;
	*(unsigned long *)freed += returned;
	returned = need_tally(pressure->need, returned, atomic_long_read(&tell->returned));
	trace_aerostat_oom(tell->device, (u64)count << PAGE_SHIFT, (u64)returned << PAGE_SHIFT,
			   begin);
	return NOTIFY_OK;
}

/**
 * pressure_start - give memory back from now on when the guest has none left
 * @pressure: giving memory back
 * @tell: what the device is told; open
 * @need: the guest's need
 * @resize: the worker
 *
 * May sleep. Keeps rule O4; call it only if DEFLATE_ON_OOM was negotiated (O3).
 *
 * Return: 0 or an error of the kernel's.
 */
int pressure_start(struct pressure *pressure, struct tell *tell, struct need *need,
		   struct resize *resize)
{
	pressure->tell = tell;
	pressure->need = need;
	pressure->resize = resize;
	pressure->notifier.notifier_call = pressure_notify;
	pressure->notifier.priority = PRESSURE_PRIORITY;
	return register_oom_notifier(&pressure->notifier);
}

/**
 * pressure_stop - be asked no more
 * @pressure: giving memory back; started
 *
 * Sleeps until a call that is under way is over, which does not take long.
 */
void pressure_stop(struct pressure *pressure)
{
	unregister_oom_notifier(&pressure->notifier);
}
