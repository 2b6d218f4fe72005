/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_ENCODE_H
#define AEROSTAT_ENCODE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#endif

/* Bytes of one statistic on the wire: a tag of two bytes, a value of eight. */
#define ENCODE_ENTRY_BYTES 10

/**
 * struct statistic - one figure for the host
 * @tag: which figure, as the standard numbers them
 * @value: the figure, in the unit that the standard sets for the tag
 */
struct statistic {
	unsigned short tag;
	unsigned long long value;
};

size_t encode_statistics(unsigned char *buffer, size_t size, const struct statistic *statistics,
			 size_t count, bool little_endian);

#endif
