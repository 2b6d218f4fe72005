// SPDX-License-Identifier: GPL-2.0-or-later
/* How long the driver waits before it tries again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pace.h"

static void fail_until_the_longest_wait(struct pace *pace)
{
	int tries = 0;

	while (pace_failed(pace) < PACE_LAST_MS)
		assert_true(++tries < 100);
}

static void the_first_failure_costs_the_shortest_wait(void **unused)
{
	struct pace pace = { 0 };

	(void)unused;
	assert_int_equal(pace_failed(&pace), PACE_FIRST_MS);
}

static void each_further_failure_doubles_the_wait_up_to_the_longest(void **unused)
{
	static const unsigned int waits[] = {
		200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000,
	};
	struct pace pace = { 0 };
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		assert_int_equal(pace_failed(&pace), waits[i]);
}

static void the_wait_never_passes_the_longest_however_often_it_fails(void **unused)
{
	struct pace pace = { 0 };
	int i;

	(void)unused;
	fail_until_the_longest_wait(&pace);
	for (i = 0; i < 100000; i++)
		assert_int_equal(pace_failed(&pace), PACE_LAST_MS);
}

static void success_starts_over_with_the_shortest_wait(void **unused)
{
	struct pace pace = { 0 };

	(void)unused;
	fail_until_the_longest_wait(&pace);
	pace_succeeded(&pace);
	assert_int_equal(pace_failed(&pace), PACE_FIRST_MS);
	assert_int_equal(pace_failed(&pace), 2 * PACE_FIRST_MS);
}

static void success_without_a_failure_changes_nothing(void **unused)
{
	struct pace pace = { 0 };

	(void)unused;
	pace_succeeded(&pace);
	pace_succeeded(&pace);
	assert_int_equal(pace_failed(&pace), PACE_FIRST_MS);
}

static void one_pace_does_not_change_another(void **unused)
{
	struct pace one = { 0 }, other = { 0 };

	(void)unused;
	fail_until_the_longest_wait(&one);
	assert_int_equal(pace_failed(&other), PACE_FIRST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_failure_costs_the_shortest_wait),
		cmocka_unit_test(each_further_failure_doubles_the_wait_up_to_the_longest),
		cmocka_unit_test(the_wait_never_passes_the_longest_however_often_it_fails),
		cmocka_unit_test(success_starts_over_with_the_shortest_wait),
		cmocka_unit_test(success_without_a_failure_changes_nothing),
		cmocka_unit_test(one_pace_does_not_change_another),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
