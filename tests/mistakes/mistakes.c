// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes one mistake of each kind that a kernel which checks itself must notice, so that a
 * test can see that it does: insmod mistakes.ko make=leak
 *
 * The rule: whatever the mistake, the guest survives it.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#define RACE_MS 5000
#define BYTES 64

struct mistake {
	const char *name;
	void (*make)(void);
};

static char *make;
module_param(make, charp, 0);
MODULE_PARM_DESC(make, "the mistake's name");

static struct task_struct *hanging;

/* The compiler is not to see what will happen. */
static void *hidden(void *pointer)
{
	OPTIMIZER_HIDE_VAR(pointer);
	return pointer;
}

static void nothing(void)
{
}

static void use_after_free(void)
{
	char *bytes = hidden(kmalloc(BYTES, GFP_KERNEL));

	kfree(bytes);
	WRITE_ONCE(*(char *)hidden(bytes), 1);
}

static void use_beyond_end(void)
{
	char *bytes = hidden(kmalloc(BYTES, GFP_KERNEL));

	if (bytes)
		READ_ONCE(bytes[BYTES + 1]);
	kfree(bytes);
}

static void leak(void)
{
	hidden(kmalloc(BYTES, GFP_KERNEL));
}

static void shift_too_far(void)
{
	unsigned int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	pr_info("mistakes: %d\n", 1 << bits);
}

static void lock_in_another_order(void)
{
	static DEFINE_MUTEX(first);
	static DEFINE_MUTEX(second);

	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static DEFINE_SPINLOCK(shared_lock);

static void take_shared_lock(struct timer_list *timer)
{
	spin_lock(&shared_lock);
	spin_unlock(&shared_lock);
}

static void lock_with_interrupts(void)
{
	static DEFINE_TIMER(timer, take_shared_lock);

	take_shared_lock(NULL);
	mod_timer(&timer, jiffies + 1);
	msleep(100);
	timer_delete_sync(&timer);
}

static void read_without_rcu(void)
{
	static int __rcu *pointer;

	WARN_ON_ONCE(rcu_dereference(pointer));
}

static void sleep_under_spinlock(void)
{
	spin_lock(&shared_lock);
	might_sleep();
	spin_unlock(&shared_lock);
}

static void do_nothing(struct timer_list *timer)
{
}

static void free_active_timer(void)
{
	struct timer_list *timer = kmalloc_obj(*timer);

	if (!timer)
		return;
	timer_setup(timer, do_nothing, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static void do_no_work(struct work_struct *work)
{
}

static void free_active_work(void)
{
	struct delayed_work *work = kmalloc_obj(*work);

	if (!work)
		return;
	INIT_DELAYED_WORK(work, do_no_work);
	queue_delayed_work(system_dfl_wq, work, 1000 * HZ);
	kfree(work);
}

static void break_list(void)
{
	LIST_HEAD(list);
	struct list_head entry, other;

	list_add(&entry, &list);
	INIT_LIST_HEAD(&other);
	list.next = &other;
	list_del(&entry);
}

static int hang(void *data)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_UNINTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void hang_forever(void)
{
	hanging = kthread_run(hang, NULL, "hanging");
}

static unsigned long raced_for;

/* The compiler is to write each time. */
static void race_once(void)
{
	raced_for++;
	barrier();
	cond_resched();
}

static int race(void *data)
{
	while (!kthread_should_stop())
		race_once();
	return 0;
}

static void race_over_data(void)
{
	struct task_struct *racer = kthread_run(race, NULL, "racer");
	unsigned long end = jiffies + msecs_to_jiffies(RACE_MS);

	while (time_before(jiffies, end))
		race_once();
	if (!IS_ERR(racer))
		kthread_stop(racer);
}

static const struct mistake mistakes[] = {
	{ "nothing", nothing },
	{ "use-after-free", use_after_free },
	{ "use-beyond-end", use_beyond_end },
	{ "leak", leak },
	{ "shift-too-far", shift_too_far },
	{ "lock-in-another-order", lock_in_another_order },
	{ "lock-with-interrupts", lock_with_interrupts },
	{ "read-without-rcu", read_without_rcu },
	{ "sleep-under-spinlock", sleep_under_spinlock },
	{ "free-active-timer", free_active_timer },
	{ "free-active-work", free_active_work },
	{ "break-list", break_list },
	{ "hang-forever", hang_forever },
	{ "race-over-data", race_over_data },
};

static int __init mistakes_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (make && !strcmp(make, mistakes[i].name)) {
			mistakes[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit mistakes_exit(void)
{
	if (!IS_ERR_OR_NULL(hanging))
		kthread_stop(hanging);
}

module_init(mistakes_init);
module_exit(mistakes_exit);

MODULE_DESCRIPTION("Mistakes for tests to notice");
MODULE_AUTHOR("The Aerostat developers");
MODULE_LICENSE("GPL");
