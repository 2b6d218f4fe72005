// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * punctual: a program that wants to run every millisecond. SIGTERM ends it; it then prints
 * by how many milliseconds it was late at worst. What it missed while it was late it
 * leaves out.
 */
#include <time.h>

#include "memory.h"

#define PERIOD_NS 1000000ll
#define SECOND_NS 1000000000ll

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* Returns how late it is then. */
static long long sleep_until(long long wanted)
{
	struct timespec until = { wanted / SECOND_NS, wanted % SECOND_NS };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	return now_ns() - wanted;
}

int main(void)
{
	long long late, worst = 0, wanted;

	stop_on_sigterm();
	if (mlockall(MCL_CURRENT))
		die("punctual: cannot keep its memory");
	printf("punctual: ready\n");
	fflush(stdout);
	for (wanted = now_ns(); !stop_requested; wanted += PERIOD_NS) {
		late = sleep_until(wanted);
		if (stop_requested)
			break;
		worst = late > worst ? late : worst;
		wanted += late - late % PERIOD_NS;
	}
	printf("punctual: at worst %.3f late\n", worst / 1e6);
	return 0;
}
