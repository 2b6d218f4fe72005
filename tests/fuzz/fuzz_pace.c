// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long to wait: any failures and successes of several things that are tried in turn.
 *
 * The rule: each waits as the table says, whatever the others do.
 */
#include "fuzz.h"
#include "pace.h"

#define THINGS 3
#define ACTS 60

static const unsigned int waits[] = { 200, 400, 800, 1600, 3200, 6400, 10000 };

#define WAITS (sizeof(waits) / sizeof(*waits))

static void fail(struct pace *pace, size_t *failures)
{
	unsigned int wait = pace_failed(pace);

	demand(wait >= PACE_FIRST_MS, "no wait is shorter than the first");
	demand(wait <= PACE_LAST_MS, "no wait is longer than the longest");
	demand(wait == waits[*failures], "each wait is twice the one before, up to the longest");
	if (*failures + 1 < WAITS)
		++*failures;
}

int fuzz_one(const unsigned char *data, size_t size)
{
	struct input input = input_of(data, size);
	struct pace paces[THINGS] = { 0 };
	size_t failures[THINGS] = { 0 };
	int i;

	for (i = 0; i < ACTS; i++) {
		unsigned int act = (unsigned int)input_take(&input, 1);
		unsigned int thing = act % THINGS, times = act / THINGS % 8;

		if (!times) {
			pace_succeeded(&paces[thing]);
			failures[thing] = 0;
		}
		while (times--)
			fail(&paces[thing], &failures[thing]);
	}
	return 0;
}
