/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_PACE_H
#define AEROSTAT_PACE_H

#define PACE_FIRST_MS 200u
#define PACE_LAST_MS 10000u

/**
 * struct pace - how patiently something is tried again
 * @next_ms: the next wait in milliseconds, 0 after success; the caller's lock
 */
struct pace {
	unsigned int next_ms;
};

unsigned int pace_failed(struct pace *pace);
void pace_succeeded(struct pace *pace);

#endif
