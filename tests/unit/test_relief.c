// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest that is short of memory gets, and how long the balloon then holds off. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relief.h"

#define FIRST 256ul
#define BALLOON 204800ul

static const struct relief_memory short_of_it = { 1000, 8192, 100000 };
static const struct relief_memory enough = { 8192, 8192, 100000 };
static const struct relief_memory plenty = { 108192, 8192, 100000 };

static unsigned long long end_of(struct relief *relief, unsigned long long now,
				 const struct relief_memory *memory)
{
	unsigned int wait;

	while ((wait = relief_look(relief, now, memory))) {
		assert_true(wait <= RELIEF_LOOK_MS);
		now += wait;
		assert_true(now < UINT_MAX);
	}
	return now;
}

static void each_need_in_a_row_gets_twice_as_much_up_to_an_eighth_of_the_balloon(void **unused)
{
	static const unsigned long portions[] = {
		256, 512, 1024, 2048, 4096, 8192, 16384, 25600, 25600,
	};
	struct relief relief = { 0 };
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(portions) / sizeof(*portions); i++)
		assert_int_equal(relief_begin(&relief, i, FIRST, BALLOON), portions[i]);
}

static void a_small_balloon_gives_what_was_asked_for_each_time(void **unused)
{
	struct relief relief = { 0 };
	int i;

	(void)unused;
	for (i = 0; i < 5; i++)
		assert_int_equal(relief_begin(&relief, i, FIRST, 300), FIRST);
	assert_int_equal(relief_begin(&relief, i, FIRST, 0), FIRST);
}

static void after_holding_off_the_first_need_gets_little_again(void **unused)
{
	struct relief relief = { 0 };
	unsigned long long now;

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	relief_begin(&relief, 0, FIRST, BALLOON);
	now = end_of(&relief, 0, &plenty);
	assert_int_equal(relief_begin(&relief, now, FIRST, BALLOON), FIRST);
}

static void without_a_need_nothing_holds_off(void **unused)
{
	struct relief relief = { 0 };

	(void)unused;
	assert_int_equal(relief_look(&relief, 5, &short_of_it), 0);
}

static void the_balloon_holds_off_until_there_was_enough_for_a_while(void **unused)
{
	struct relief relief = { 0 };

	(void)unused;
	relief_begin(&relief, 1000, FIRST, BALLOON);
	assert_int_equal(end_of(&relief, 1000, &enough), 1000 + RELIEF_FIRST_MS);
}

static void a_guest_that_is_short_again_starts_the_while_over(void **unused)
{
	struct relief relief = { 0 };

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	assert_true(relief_look(&relief, RELIEF_FIRST_MS - 1, &enough));
	assert_true(relief_look(&relief, RELIEF_FIRST_MS, &short_of_it));
	assert_int_equal(end_of(&relief, RELIEF_FIRST_MS, &enough), 2 * RELIEF_FIRST_MS);
}

static void a_guest_that_stays_short_is_left_alone_for_good(void **unused)
{
	struct relief relief = { 0 };
	unsigned long long now;

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	for (now = 0; now < 3600000; now += RELIEF_LOOK_MS)
		assert_true(relief_look(&relief, now, &short_of_it));
}

static void a_guest_that_nobody_looked_at_has_not_had_enough(void **unused)
{
	const unsigned long long late = RELIEF_FIRST_MS + RELIEF_UNSEEN_MS;
	struct relief relief = { 0 };

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	assert_true(relief_look(&relief, late, &plenty));
	assert_int_equal(end_of(&relief, late, &enough), late + RELIEF_FIRST_MS);
}

static void plenty_of_memory_ends_it_early(void **unused)
{
	struct relief relief = { 0 };
	unsigned long long end;

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	end = end_of(&relief, 0, &plenty);
	assert_in_range(end, RELIEF_FIRST_MS / RELIEF_PLENTY_PART,
			RELIEF_FIRST_MS / RELIEF_PLENTY_PART + RELIEF_LOOK_MS);
}

static unsigned long give_more(struct relief *relief, unsigned long long now,
			       unsigned long available)
{
	unsigned long more = relief_more(relief, now, available, BALLOON);

	relief_gave(relief, now, more);
	return more;
}

static void a_guest_that_uses_up_what_it_got_gets_twice_as_much(void **unused)
{
	struct relief relief = { 0 };

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	assert_int_equal(give_more(&relief, 1, FIRST), 0);
	assert_int_equal(give_more(&relief, 1, FIRST - 1), 2 * FIRST);
	assert_int_equal(give_more(&relief, 2, 2 * FIRST), 0);
	assert_int_equal(give_more(&relief, 2, 0), 4 * FIRST);
	assert_int_equal(relief_begin(&relief, 3, FIRST, BALLOON), 8 * FIRST);
}

static void it_gets_no_more_than_an_eighth_of_the_balloon_at_once(void **unused)
{
	struct relief relief = { 0 };
	unsigned long held = BALLOON, more;

	(void)unused;
	relief_begin(&relief, 0, FIRST, held);
	while ((more = relief_more(&relief, 0, 0, held))) {
		assert_true(more <= held / RELIEF_SHARE);
		relief_gave(&relief, 0, more);
		held -= more;
	}
	assert_true(held < RELIEF_SHARE);
}

static void what_did_not_come_back_is_not_doubled(void **unused)
{
	struct relief relief = { 0 };

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	relief_gave(&relief, 500, 0);
	assert_int_equal(relief_more(&relief, 500, 0, BALLOON), 2 * FIRST);
	relief_gave(&relief, 500, 10);
	assert_int_equal(relief_more(&relief, 500, 0, BALLOON), 20);
	assert_int_equal(relief_more(&relief, 500, 10, BALLOON), 0);
}

static void a_device_that_gives_nothing_back_is_soon_asked_rarely(void **unused)
{
	struct relief relief = { 0 };

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	relief_gave(&relief, RELIEF_GROWS_MS - 1, 0);
	assert_int_equal(relief_more(&relief, RELIEF_GROWS_MS, 0, BALLOON), 0);
	assert_int_equal(relief_look(&relief, RELIEF_GROWS_MS, &short_of_it), RELIEF_LOOK_MS);
}

static void the_balloon_holds_off_while_a_guest_with_enough_grows(void **unused)
{
	struct relief relief = { 0 };
	unsigned long long now;

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	for (now = 0; now < 3 * RELIEF_FIRST_MS; now += RELIEF_GROWS_MS / 2) {
		relief_gave(&relief, now, 2 * enough.available);
		assert_true(relief_look(&relief, now, &plenty));
	}
	assert_int_equal(end_of(&relief, now, &enough),
			 now - RELIEF_GROWS_MS / 2 + RELIEF_FIRST_MS);
}

static void a_guest_that_grew_no_more_for_a_while_has_to_be_in_need_again(void **unused)
{
	struct relief relief = { 0 };

	(void)unused;
	assert_int_equal(relief_more(&relief, 0, 0, BALLOON), 0);
	relief_begin(&relief, 0, FIRST, BALLOON);
	assert_int_equal(relief_more(&relief, RELIEF_GROWS_MS, 0, BALLOON), 0);
	assert_int_equal(relief_look(&relief, RELIEF_GROWS_MS, &short_of_it), RELIEF_LOOK_MS);
	relief_begin(&relief, RELIEF_GROWS_MS, FIRST, BALLOON);
	assert_int_equal(relief_look(&relief, RELIEF_GROWS_MS, &short_of_it), RELIEF_WATCH_MS);
	assert_true(relief_more(&relief, RELIEF_GROWS_MS, 0, BALLOON));
}

static void the_while_doubles_each_time_it_happens_again_up_to_the_longest(void **unused)
{
	unsigned long long wait = RELIEF_FIRST_MS, now = 0, end;
	struct relief relief = { 0 };
	int i;

	(void)unused;
	for (i = 0; i < 8; i++) {
		relief_begin(&relief, now, FIRST, BALLOON);
		end = end_of(&relief, now, &enough);
		assert_int_equal(end - now, wait);
		now = end + 1;
		wait = wait * 2 < RELIEF_LAST_MS ? wait * 2 : RELIEF_LAST_MS;
	}
}

static void a_long_calm_starts_over(void **unused)
{
	struct relief relief = { 0 };
	unsigned long long now;

	(void)unused;
	relief_begin(&relief, 0, FIRST, BALLOON);
	now = end_of(&relief, 0, &enough) + RELIEF_FORGET_TIMES * RELIEF_FIRST_MS;
	relief_begin(&relief, now, FIRST, BALLOON);
	assert_int_equal(end_of(&relief, now, &enough) - now, RELIEF_FIRST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_need_in_a_row_gets_twice_as_much_up_to_an_eighth_of_the_balloon),
		cmocka_unit_test(a_small_balloon_gives_what_was_asked_for_each_time),
		cmocka_unit_test(after_holding_off_the_first_need_gets_little_again),
		cmocka_unit_test(without_a_need_nothing_holds_off),
		cmocka_unit_test(the_balloon_holds_off_until_there_was_enough_for_a_while),
		cmocka_unit_test(a_guest_that_is_short_again_starts_the_while_over),
		cmocka_unit_test(a_guest_that_stays_short_is_left_alone_for_good),
		cmocka_unit_test(a_guest_that_nobody_looked_at_has_not_had_enough),
		cmocka_unit_test(plenty_of_memory_ends_it_early),
		cmocka_unit_test(a_guest_that_uses_up_what_it_got_gets_twice_as_much),
		cmocka_unit_test(it_gets_no_more_than_an_eighth_of_the_balloon_at_once),
		cmocka_unit_test(what_did_not_come_back_is_not_doubled),
		cmocka_unit_test(a_device_that_gives_nothing_back_is_soon_asked_rarely),
		cmocka_unit_test(the_balloon_holds_off_while_a_guest_with_enough_grows),
		cmocka_unit_test(a_guest_that_grew_no_more_for_a_while_has_to_be_in_need_again),
		cmocka_unit_test(the_while_doubles_each_time_it_happens_again_up_to_the_longest),
		cmocka_unit_test(a_long_calm_starts_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
