// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long to wait before trying again. Free of kernel types.
 *
 * The rule: after a first failure PACE_FIRST_MS, twice as long after each further one,
 * never longer than PACE_LAST_MS; success starts over.
 */
#include "pace.h"

/**
 * pace_failed - a try has failed
 * @pace: how patiently things are tried
 *
 * Return: milliseconds to wait before the next try.
 */
unsigned int pace_failed(struct pace *pace)
{
	unsigned int wait = pace->next_ms ? pace->next_ms : PACE_FIRST_MS;

	pace->next_ms = wait > PACE_LAST_MS / 2 ? PACE_LAST_MS : wait * 2;
	return wait;
}

/**
 * pace_succeeded - a try has succeeded, or there is a new reason to try
 * @pace: how patiently things are tried
 */
void pace_succeeded(struct pace *pace)
{
	pace->next_ms = 0;
}
