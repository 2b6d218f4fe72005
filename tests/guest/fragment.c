// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fragment MIB STEP: scatters a guest's free memory. Uses MIB of base pages,
 * then frees all but one in every STEP, so that free memory comes in pieces of
 * fewer than STEP pages. Holds the rest until SIGTERM.
 */
#include "memory.h"

static void free_all_but_one_in(size_t step, char *memory, size_t bytes)
{
	size_t group = step * PAGE_BYTES;

	for (size_t offset = 0; offset + group <= bytes; offset += group)
		if (madvise(memory + offset + PAGE_BYTES, group - PAGE_BYTES, MADV_DONTNEED))
			die("cannot free memory");
}

int main(int argc, char **argv)
{
	size_t bytes, step;
	char *memory;

	if (argc != 3) {
		fprintf(stderr, "usage: fragment MIB STEP\n");
		return 2;
	}
	stop_on_sigterm();
	bytes = parse_count(argv[1]) * MIB;
	step = parse_count(argv[2]);
	memory = map_memory(bytes);
	if (madvise(memory, bytes, MADV_NOHUGEPAGE))
		die("cannot choose the page size");
	write_each_page(memory, bytes);
	if (step > 1)
		free_all_but_one_in(step, memory, bytes);
	printf("fragment: ready\n");
	fflush(stdout);
	wait_for_sigterm();
	return 0;
}
