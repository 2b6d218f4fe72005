// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Merging pieces of memory to ranges. Free of kernel types.
 *
 * The rule: a piece joins the last range if it begins where that ends, or ends where that
 * begins, and the two lie within one grain; else it is a range of its own. Pieces that
 * come in the order of their addresses make the fewest ranges.
 */
#include "ranges.h"

static int ranges_share_a_grain(const struct ranges *ranges, unsigned long first,
				unsigned long count)
{
	return !ranges->grain ||
	       first / ranges->grain == (first + count - 1) / ranges->grain;
}

static int ranges_extend(struct ranges *ranges, unsigned long first,
			 unsigned long count)
{
	struct memory_range *last = &ranges->table[ranges->count - 1];
	unsigned long begin = first < last->first ? first : last->first;

	if (first != last->first + last->count && last->first != first + count)
		return 0;
	if (!ranges_share_a_grain(ranges, begin, last->count + count))
		return 0;
	last->first = begin;
	last->count += count;
	return 1;
}

/**
 * ranges_add - add a piece of memory
 * @ranges: the table
 * @first: the piece's first frame
 * @count: how many pages it has, not 0
 *
 * Return: 0 if the table is full and the piece joins no range in it, else 1.
 */
int ranges_add(struct ranges *ranges, unsigned long first, unsigned long count)
{
	if (ranges->count && ranges_extend(ranges, first, count))
		return 1;
	if (ranges->count == ranges->capacity)
		return 0;
	ranges->table[ranges->count].first = first;
	ranges->table[ranges->count].count = count;
	ranges->count++;
	return 1;
}
