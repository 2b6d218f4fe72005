// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * filepattern FILE MIB: finds page cache that changed behind its owner's back. Writes a value
 * made from its place and a generation into each word of the file, reads all of it again,
 * from the disk where the cache was dropped, and begins anew with the next generation.
 * SIGTERM ends it between two rounds. A wrong word ends it at once with status 1.
 */
#include <fcntl.h>

#include "memory.h"

#define WORDS (PAGE_BYTES / sizeof(uint64_t))

static uint64_t expected_word(size_t place, uint64_t generation)
{
	return (place + generation * 0x10001) * 0x9e3779b97f4a7c15u;
}

static void write_all(int file, size_t bytes, uint64_t generation)
{
	uint64_t page[WORDS];

	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES) {
		for (size_t i = 0; i < WORDS; i++)
			page[i] = expected_word(offset + i, generation);
		if (pwrite(file, page, PAGE_BYTES, offset) != (ssize_t)PAGE_BYTES)
			die("cannot write");
	}
}

static void check_all(int file, size_t bytes, uint64_t generation)
{
	uint64_t page[WORDS];

	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES) {
		if (pread(file, page, PAGE_BYTES, offset) != (ssize_t)PAGE_BYTES)
			die("cannot read");
		for (size_t i = 0; i < WORDS; i++) {
			if (page[i] == expected_word(offset + i, generation))
				continue;
			printf("filepattern: wrong word at %zu\n", offset + i * sizeof(*page));
			exit(1);
		}
	}
}

/* Every other time what is clean leaves the cache, and the disk is read. */
static void drop_some(int file, uint64_t generation)
{
	if (generation % 2)
		return;
	if (fsync(file) || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED))
		die("cannot write back");
}

int main(int argc, char **argv)
{
	uint64_t generation = 0;
	size_t bytes;
	int file;

	if (argc != 3) {
		fprintf(stderr, "usage: filepattern FILE MIB\n");
		return 2;
	}
	stop_on_sigterm();
	bytes = parse_count(argv[2]) * MIB;
	file = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (file < 0)
		die(argv[1]);
	printf("pattern: ready\n");
	fflush(stdout);
	while (!stop_requested) {
		write_all(file, bytes, ++generation);
		drop_some(file, generation);
		check_all(file, bytes, generation);
	}
	printf("filepattern: %llu rounds, 0 wrong\n", (unsigned long long)generation);
	return 0;
}
