// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * occupy MIB [hold]: makes the guest use memory. Writes one word into each page
 * and prints how many milliseconds that took. Exits, or with "hold" keeps the
 * memory until SIGTERM.
 */
#include "memory.h"

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
