/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_FEATURES_H
#define AEROSTAT_FEATURES_H

#include <linux/types.h>

struct virtio_device;

int features_validate(struct virtio_device *device);
void features_write_poison(struct virtio_device *device);

#endif
