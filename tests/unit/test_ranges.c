// SPDX-License-Identifier: GPL-2.0-or-later
/* How pieces of memory are merged to ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ranges.h"

#define CAPACITY 4
#define GRAIN 1024
#define FRAMES 4096

static struct memory_range table[CAPACITY];

static struct ranges empty(unsigned int capacity, unsigned long long grain)
{
	struct ranges ranges = { .table = table, .capacity = capacity, .grain = grain };

	memset(table, 0xff, sizeof(table));
	return ranges;
}

static void assert_range(const struct ranges *ranges, unsigned int place,
			 unsigned long long first, unsigned long long count)
{
	assert_true(place < ranges->count);
	assert_int_equal(ranges->table[place].first, first);
	assert_int_equal(ranges->table[place].count, count);
}

static void pieces_in_rising_order_without_a_gap_are_one_range(void **unused)
{
	struct ranges ranges = empty(CAPACITY, 0);

	(void)unused;
	assert_true(ranges_add(&ranges, 16, 16));
	assert_true(ranges_add(&ranges, 32, 1));
	assert_true(ranges_add(&ranges, 33, 7));
	assert_int_equal(ranges.count, 1);
	assert_range(&ranges, 0, 16, 24);
}

static void pieces_in_falling_order_without_a_gap_are_one_range(void **unused)
{
	struct ranges ranges = empty(CAPACITY, 0);

	(void)unused;
	assert_true(ranges_add(&ranges, 64, 32));
	assert_true(ranges_add(&ranges, 32, 32));
	assert_true(ranges_add(&ranges, 0, 32));
	assert_int_equal(ranges.count, 1);
	assert_range(&ranges, 0, 0, 96);
}

static void pieces_with_a_gap_are_ranges_of_their_own(void **unused)
{
	struct ranges ranges = empty(CAPACITY, 0);

	(void)unused;
	assert_true(ranges_add(&ranges, 0, 8));
	assert_true(ranges_add(&ranges, 9, 8));
	assert_true(ranges_add(&ranges, 1000000000000ull, 8));
	assert_int_equal(ranges.count, 3);
	assert_range(&ranges, 0, 0, 8);
	assert_range(&ranges, 1, 9, 8);
	assert_range(&ranges, 2, 1000000000000ull, 8);
}

static void a_full_table_refuses_what_does_not_join_and_stays_as_it_is(void **unused)
{
	struct ranges ranges = empty(2, 0);

	(void)unused;
	assert_true(ranges_add(&ranges, 0, 1));
	assert_true(ranges_add(&ranges, 2, 1));
	assert_false(ranges_add(&ranges, 4, 1));
	assert_int_equal(ranges.count, 2);
	assert_range(&ranges, 1, 2, 1);
	assert_true(ranges_add(&ranges, 3, 1));
	assert_range(&ranges, 1, 2, 2);
}

static void a_table_without_room_refuses_everything(void **unused)
{
	struct ranges ranges = empty(0, 0);

	(void)unused;
	assert_false(ranges_add(&ranges, 0, 1));
	assert_int_equal(ranges.count, 0);
}

static void no_range_is_merged_across_a_grain(void **unused)
{
	struct ranges ranges = empty(CAPACITY, GRAIN);

	(void)unused;
	assert_true(ranges_add(&ranges, GRAIN - 8, 8));
	assert_true(ranges_add(&ranges, GRAIN, 8));
	assert_int_equal(ranges.count, 2);
	assert_true(ranges_add(&ranges, GRAIN + 8, GRAIN - 8));
	assert_int_equal(ranges.count, 2);
	assert_range(&ranges, 1, GRAIN, GRAIN);
	assert_true(ranges_add(&ranges, 2 * GRAIN, 1));
	assert_int_equal(ranges.count, 3);
}

static void a_piece_larger_than_a_grain_is_a_range_of_its_own(void **unused)
{
	struct ranges ranges = empty(CAPACITY, GRAIN);

	(void)unused;
	assert_true(ranges_add(&ranges, 0, 4 * GRAIN));
	assert_true(ranges_add(&ranges, 4 * GRAIN, 4 * GRAIN));
	assert_int_equal(ranges.count, 2);
	assert_range(&ranges, 0, 0, 4 * GRAIN);
	assert_range(&ranges, 1, 4 * GRAIN, 4 * GRAIN);
}

static unsigned int random_state;

static unsigned int chance(unsigned int below)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 8) % below;
}

static void note(unsigned char *map, unsigned long long first, unsigned long long count)
{
	for (; count; count--, first++) {
		assert_true(first < FRAMES);
		map[first]++;
	}
}

static void check_against(const struct ranges *ranges, const unsigned char *given)
{
	unsigned char named[FRAMES] = { 0 };
	unsigned int i;

	assert_true(ranges->count <= ranges->capacity);
	for (i = 0; i < ranges->count; i++) {
		const struct memory_range *range = &ranges->table[i];

		note(named, range->first, range->count);
		assert_int_equal(range->first / GRAIN, (range->first + range->count - 1) / GRAIN);
	}
	assert_memory_equal(named, given, FRAMES);
}

static void whatever_is_added_is_named_once_and_nothing_else_is(void **unused)
{
	unsigned int turn;

	(void)unused;
	for (turn = 0; turn < 20000; turn++) {
		struct ranges ranges = empty(1 + turn % CAPACITY, GRAIN);
		unsigned char given[FRAMES] = { 0 };
		unsigned long long first = 0;

		random_state = turn;
		while (first + 64 < FRAMES) {
			unsigned int count = 1u << chance(6);

			first = (first + count - 1) / count * count;
			if (ranges_add(&ranges, first, count))
				note(given, first, count);
			first += count + (chance(2) ? 0 : chance(512));
		}
		check_against(&ranges, given);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_in_rising_order_without_a_gap_are_one_range),
		cmocka_unit_test(pieces_in_falling_order_without_a_gap_are_one_range),
		cmocka_unit_test(pieces_with_a_gap_are_ranges_of_their_own),
		cmocka_unit_test(a_full_table_refuses_what_does_not_join_and_stays_as_it_is),
		cmocka_unit_test(a_table_without_room_refuses_everything),
		cmocka_unit_test(no_range_is_merged_across_a_grain),
		cmocka_unit_test(a_piece_larger_than_a_grain_is_a_range_of_its_own),
		cmocka_unit_test(whatever_is_added_is_named_once_and_nothing_else_is),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
