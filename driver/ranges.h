/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_RANGES_H
#define AEROSTAT_RANGES_H

/**
 * struct memory_range - memory without a gap
 * @first: its first page's frame
 * @count: how many pages it has
 */
struct memory_range {
	unsigned long first;
	unsigned long count;
};

/**
 * struct ranges - a table of ranges that is being filled
 * @table: the ranges; the caller's memory
 * @capacity: how many fit
 * @count: how many there are
 * @grain: nothing is merged across a multiple of so many pages; 0: across any
 */
struct ranges {
	struct memory_range *table;
	unsigned int capacity;
	unsigned int count;
	unsigned long grain;
};

int ranges_add(struct ranges *ranges, unsigned long first, unsigned long count);

#endif
