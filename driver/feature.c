// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which of the device's offers are accepted.
 *
 * The rule: everything that comes with a queue is accepted, because devices number the
 * queues that they offer, and the driver those that it accepted. The one that is declined
 * at times, REPORTING, has the last queue. What concerns the contents of free memory is
 * accepted as this guest's kernel was started: it gives freed memory a value, or not.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/poison.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "compat.h"
#include "feature.h"

enum feature_choice { FEATURE_AUTO, FEATURE_OFF };

static const char * const feature_choices[] = {
	[FEATURE_AUTO] = "auto",
	[FEATURE_OFF] = "off",
};

static enum feature_choice feature_inflate_by_report;

static int feature_set_inflate_by_report(const char *text,
					 const struct kernel_param *parameter)
{
	int choice = sysfs_match_string(feature_choices, text);

	if (choice < 0) {
		pr_err("virtio_balloon: inflate_by_report is auto or off, not %s\n", text);
		return -EINVAL;
	}
	feature_inflate_by_report = choice;
	return 0;
}

static int feature_get_inflate_by_report(char *text, const struct kernel_param *parameter)
{
	return sysfs_emit(text, "%s\n", feature_choices[feature_inflate_by_report]);
}

static const struct kernel_param_ops feature_inflate_by_report_ops = {
	.set = feature_set_inflate_by_report,
	.get = feature_get_inflate_by_report,
};

module_param_cb(inflate_by_report, &feature_inflate_by_report_ops, NULL, 0444);
__MODULE_PARM_TYPE(inflate_by_report, "charp");
MODULE_PARM_DESC(inflate_by_report,
		 "Whether the balloon's memory is named to the host by ranges, as free memory is reported: auto (default: if the device can), or off (by frame numbers)");

static bool feature_freed_memory_has_a_value(void)
{
	return page_poisoning_enabled_static() || want_init_on_free();
}

/**
 * feature_validate - decline what can't be kept, before the rest is accepted
 * @device: the device, its features read and not yet accepted
 *
 * May sleep. Keeps rules F2 and F3, and says in the log why memory is not reported.
 *
 * Return: 0; -EINVAL if the device can't be used.
 */
int feature_validate(struct virtio_device *device)
{
	if (!device->config->get) {
		dev_err(&device->dev, "the device has no configuration to read: not used\n");
		return -EINVAL;
	}
	__virtio_clear_bit(device, VIRTIO_F_ACCESS_PLATFORM);
	__virtio_clear_bit(device, VIRTIO_RING_F_INDIRECT_DESC);

	if (!feature_freed_memory_has_a_value()) {
		__virtio_clear_bit(device, VIRTIO_BALLOON_F_PAGE_POISON);
	} else if (__virtio_test_bit(device, VIRTIO_BALLOON_F_REPORTING) &&
		   !__virtio_test_bit(device, VIRTIO_BALLOON_F_PAGE_POISON)) {
		__virtio_clear_bit(device, VIRTIO_BALLOON_F_REPORTING);
		dev_info(&device->dev, "free memory is not reported to the host: this guest fills memory when it is freed (init_on_free or page_poison), and the device does not preserve that; turn page-poison on in the device\n");
	}
	return 0;
}

static u32 feature_poison(void)
{
	return page_poisoning_enabled_static() ? PAGE_POISON * 0x01010101u : 0;
}

/**
 * feature_allows_ranges - whether the balloon may name its memory by ranges
 * @device: the device, its features accepted
 *
 * Does not sleep. It may if the device takes reports of free memory and discards it, which
 * it need not do to memory that holds a value, and if it need not hear of what comes back.
 *
 * Return: true if so, and the operator has not ruled it out.
 */
bool feature_allows_ranges(struct virtio_device *device)
{
	bool holds_value = virtio_has_feature(device, VIRTIO_BALLOON_F_PAGE_POISON) &&
			   feature_poison();

	return feature_inflate_by_report == FEATURE_AUTO && !holds_value &&
	       virtio_has_feature(device, VIRTIO_BALLOON_F_REPORTING) &&
	       !virtio_has_feature(device, VIRTIO_BALLOON_F_MUST_TELL_HOST);
}

/**
 * feature_write_poison - tell the device which value freed memory has
 * @device: the device, its features accepted, not yet ready
 *
 * May sleep. Does nothing unless PAGE_POISON was negotiated. Keeps rule P1.
 */
void feature_write_poison(struct virtio_device *device)
{
	u32 value = feature_poison();

	if (virtio_has_feature(device, VIRTIO_BALLOON_F_PAGE_POISON))
		virtio_cwrite_le(device, struct virtio_balloon_config, poison_val, &value);
}
