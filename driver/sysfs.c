// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What people and programs in the guest can see of the balloon: the directory "balloon" of
 * the device.
 *
 * The rule: one value in a file, memory in bytes; all is read, nothing is set. Each file is
 * described in docs/ABI/.
 */
#include <linux/sysfs.h>
#include <linux/virtio.h>

#include "balloon.h"
#include "sysfs.h"

/**
 * struct sysfs_figure - a file that holds a number
 * @attribute: the file; fixed
 * @read: what it holds; fixed
 * @kind: what @read counts, if it counts; fixed
 */
struct sysfs_figure {
	struct device_attribute attribute;
	u64 (*read)(struct balloon *balloon, enum tally_kind kind);
	enum tally_kind kind;
};

static u64 to_bytes(u64 pages)
{
	return pages << PAGE_SHIFT;
}

static struct balloon *balloon_of(struct device *device)
{
	return dev_to_virtio(device)->priv;
}

static u64 sysfs_target(struct balloon *balloon, enum tally_kind kind)
{
	return (u64)READ_ONCE(balloon->resize.step.target) << UNIT_SHIFT;
}

static u64 sysfs_actual(struct balloon *balloon, enum tally_kind kind)
{
	return (u64)READ_ONCE(balloon->resize.step.actual) << UNIT_SHIFT;
}

static u64 sysfs_held_as_blocks(struct balloon *balloon, enum tally_kind kind)
{
	return to_bytes(hold_blocks(&balloon->hold));
}

static u64 sysfs_held_as_pages(struct balloon *balloon, enum tally_kind kind)
{
	return to_bytes(hold_pages(&balloon->hold));
}

static u64 sysfs_named(struct balloon *balloon, enum tally_kind kind)
{
	return to_bytes(hold_named(&balloon->hold));
}

static u64 sysfs_unanswered(struct balloon *balloon, enum tally_kind kind)
{
	return tell_unanswered(&balloon->tell) + queue_unanswered(&balloon->hint.queue);
}

static u64 sysfs_tally_bytes(struct balloon *balloon, enum tally_kind kind)
{
	return to_bytes(tally_read(&balloon->tally, kind));
}

static u64 sysfs_tally(struct balloon *balloon, enum tally_kind kind)
{
	return tally_read(&balloon->tally, kind);
}

static ssize_t sysfs_show_figure(struct device *device, struct device_attribute *attribute,
				 char *text)
{
	struct sysfs_figure *figure = container_of(attribute, struct sysfs_figure, attribute);

	return sysfs_emit(text, "%llu\n", figure->read(balloon_of(device), figure->kind));
}

static ssize_t state_show(struct device *device, struct device_attribute *attribute,
			  char *text)
{
	return sysfs_emit(text, "%s\n", resize_state_name(&balloon_of(device)->resize));
}
static DEVICE_ATTR_RO(state);

static ssize_t state_since_show(struct device *device, struct device_attribute *attribute,
				char *text)
{
	u64 seconds;
	u32 ms;

	seconds = div_u64_rem(ktime_to_ms(resize_state_since(&balloon_of(device)->resize)),
			      MSEC_PER_SEC, &ms);
	return sysfs_emit(text, "%llu.%03u\n", seconds, ms);
}
static DEVICE_ATTR_RO(state_since);

static ssize_t way_show(struct device *device, struct device_attribute *attribute, char *text)
{
	return sysfs_emit(text, "%s\n", tell_way_name(&balloon_of(device)->tell));
}
static DEVICE_ATTR_RO(way);

#define SYSFS_FIGURE(name, function, tally_kind)					\
	static struct sysfs_figure sysfs_figure_##name = {				\
		.attribute = __ATTR(name, 0444, sysfs_show_figure, NULL),		\
		.read = function,							\
		.kind = tally_kind,							\
	}

SYSFS_FIGURE(target, sysfs_target, 0);
SYSFS_FIGURE(actual, sysfs_actual, 0);
SYSFS_FIGURE(held_as_blocks, sysfs_held_as_blocks, 0);
SYSFS_FIGURE(held_as_pages, sysfs_held_as_pages, 0);
SYSFS_FIGURE(named, sysfs_named, 0);
SYSFS_FIGURE(requests_unanswered, sysfs_unanswered, 0);
SYSFS_FIGURE(inflated, sysfs_tally_bytes, TALLY_INFLATED);
SYSFS_FIGURE(deflated, sysfs_tally_bytes, TALLY_DEFLATED);
SYSFS_FIGURE(taken_back, sysfs_tally_bytes, TALLY_TAKEN_BACK);
SYSFS_FIGURE(migrated, sysfs_tally_bytes, TALLY_MIGRATED);
SYSFS_FIGURE(reported, sysfs_tally_bytes, TALLY_REPORTED);
SYSFS_FIGURE(hinted, sysfs_tally_bytes, TALLY_HINTED);
SYSFS_FIGURE(refused, sysfs_tally, TALLY_REFUSED);

static struct attribute *sysfs_attributes[] = {
	&dev_attr_state.attr,
	&dev_attr_state_since.attr,
	&dev_attr_way.attr,
	&sysfs_figure_target.attribute.attr,
	&sysfs_figure_actual.attribute.attr,
	&sysfs_figure_held_as_blocks.attribute.attr,
	&sysfs_figure_held_as_pages.attribute.attr,
	&sysfs_figure_named.attribute.attr,
	&sysfs_figure_requests_unanswered.attribute.attr,
	&sysfs_figure_inflated.attribute.attr,
	&sysfs_figure_deflated.attribute.attr,
	&sysfs_figure_taken_back.attribute.attr,
	&sysfs_figure_migrated.attribute.attr,
	&sysfs_figure_reported.attribute.attr,
	&sysfs_figure_hinted.attribute.attr,
	&sysfs_figure_refused.attribute.attr,
	NULL
};

static const struct attribute_group sysfs_group = {
	.name = "balloon",
	.attrs = sysfs_attributes,
};

/* The kernel makes the files when the driver has the device, and takes them away before it
 * loses it.
 */
const struct attribute_group *sysfs_groups[] = { &sysfs_group, NULL };
