/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_FEATURE_H
#define AEROSTAT_FEATURE_H

#include <linux/types.h>

struct virtio_device;

int feature_validate(struct virtio_device *device);
bool feature_allows_ranges(struct virtio_device *device);
void feature_write_poison(struct virtio_device *device);

#endif
