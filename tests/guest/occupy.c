// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * occupy MIB [hold]: makes the guest use memory. Writes one word into each page
 * and prints how many milliseconds that took. Exits, or with "hold" keeps the
 * memory until SIGTERM.
 */
#include <time.h>

#include "memory.h"

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void write_each_page(char *memory, size_t bytes)
{
	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		*(volatile uint64_t *)(memory + offset) = offset + 1;
}

int main(int argc, char **argv)
{
	bool hold = argc == 3 && !strcmp(argv[2], "hold");
	double start;
	size_t bytes;

	if (argc != 2 && !hold) {
		fprintf(stderr, "usage: occupy MIB [hold]\n");
		return 2;
	}
	stop_on_sigterm();
	bytes = parse_count(argv[1]) * MIB;
	start = milliseconds();
	write_each_page(map_memory(bytes), bytes);
	printf("%.0f\n", milliseconds() - start);
	fflush(stdout);
	if (hold)
		wait_for_sigterm();
	return 0;
}
