// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zeros MIB: makes the guest use memory, and checks that what it gets is empty. Writes one
 * word into each page, so that it gets one of its own, and prints how many of the other
 * words were not zero.
 */
#include "memory.h"

static size_t wrong_words(volatile uint64_t *page)
{
	size_t i, wrong = 0;

	page[0] = 1;
	for (i = 1; i < PAGE_BYTES / sizeof(*page); i++)
		wrong += page[i] != 0;
	return wrong;
}

int main(int argc, char **argv)
{
	size_t bytes, offset, wrong = 0;
	char *memory;

	if (argc != 2) {
		fprintf(stderr, "usage: zeros MIB\n");
		return 2;
	}
	bytes = parse_count(argv[1]) * MIB;
	memory = map_memory(bytes);
	for (offset = 0; offset < bytes; offset += PAGE_BYTES)
		wrong += wrong_words((uint64_t *)(memory + offset));
	printf("zeros: %zu wrong\n", wrong);
	return 0;
}
