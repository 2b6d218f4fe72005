/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes older kernels look like the newest one (7.2). The rest of the device is written
 * against the newest kernel; every difference lives here.
 */
#ifndef AEROSTAT_DEVICE_COMPAT_H
#define AEROSTAT_DEVICE_COMPAT_H

#include <linux/kernel.h>
#include <linux/version.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#define COMPAT_SINCE(major, minor) \
	(LINUX_VERSION_MAJOR * 256 + LINUX_VERSION_PATCHLEVEL >= (major) * 256 + (minor))

/* Hexadecimal digits got a header of their own. */
#ifndef hex_asc_lo
#include <linux/hex.h>
#endif

/* Queues used to be described by one array for each of their properties. */
#if !COMPAT_SINCE(6, 11)
#define COMPAT_QUEUES_MAX 8

struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

#define COMPAT_FIND_VQS(find)								\
static int compat_##find(struct virtio_device *device, unsigned int count,		\
			 struct virtqueue *queues[], vq_callback_t *callbacks[],	\
			 const char * const names[], const bool *contexts,		\
			 struct irq_affinity *affinity)					\
{											\
	struct virtqueue_info infos[COMPAT_QUEUES_MAX] = { };				\
	unsigned int i;									\
											\
	if (count > COMPAT_QUEUES_MAX)							\
		return -EINVAL;								\
	for (i = 0; i < count; i++) {							\
		infos[i].name = names[i];						\
		infos[i].callback = callbacks[i];					\
		infos[i].ctx = contexts && contexts[i];					\
	}										\
	return find(device, count, queues, infos, affinity);				\
}

#define compat_find_vqs(find)	compat_##find
#else
#define COMPAT_FIND_VQS(find)
#define compat_find_vqs(find)	find
#endif

#endif
