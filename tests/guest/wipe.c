// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * wipe MIB: how long this processor takes to fill memory with zeros. Writes to each page
 * first, so that the memory is in place, then wipes it page by page with the instruction that
 * the kernel uses on x86, and prints how many milliseconds that took.
 */
#include "memory.h"

static void wipe_page(char *page)
{
#ifdef __x86_64__
	size_t words = PAGE_BYTES / sizeof(uint64_t);

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(0) : "memory");
#else
	memset(page, 0, PAGE_BYTES);
#endif
}

static void wipe_each_page(char *memory, size_t bytes)
{
	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		wipe_page(memory + offset);
}

int main(int argc, char **argv)
{
	double start;
	size_t bytes;
	char *memory;

	if (argc != 2) {
		fprintf(stderr, "usage: wipe MIB\n");
		return 2;
	}
	bytes = parse_count(argv[1]) * MIB;
	memory = map_memory(bytes);
	write_each_page(memory, bytes);
	start = milliseconds();
	wipe_each_page(memory, bytes);
	printf("%.3f\n", milliseconds() - start);
	return 0;
}
