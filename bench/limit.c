// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * limit MIB STEP...: what the machine itself allows. For each step, a number of KiB, a
 * program touches MIB of memory, discards it in pieces of that size, and prints how many
 * seconds the discarding took. A hypervisor that discards a guest's memory does the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define HUGE_PAGE_BYTES (2 * MIB)
#define PAGE_BYTES (4 * KIB)

static void die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t parse_count(const char *text)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (end == text || *end || !count) {
		fprintf(stderr, "limit: \"%s\" is not a number above 0\n", text);
		exit(2);
	}
	return count;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void *reserve(size_t bytes)
{
	void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		die("cannot map memory");
	return start;
}

/* With huge pages where the kernel has them, as QEMU asks for them. */
static char *align_to_huge_page(char *start, size_t bytes)
{
	start += -(uintptr_t)start & (HUGE_PAGE_BYTES - 1);
	madvise(start, bytes, MADV_HUGEPAGE);
	return start;
}

static void touch_each_page(char *memory, size_t bytes)
{
	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		*(volatile char *)(memory + offset) = 1;
}

static void discard(char *memory, size_t bytes, size_t step)
{
	for (size_t offset = 0; offset < bytes; offset += step)
		if (madvise(memory + offset, step < bytes - offset ? step : bytes - offset,
			    MADV_DONTNEED))
			die("cannot discard memory");
}

/* Each step has a mapping of its own: small steps leave traces in the page tables. */
static double measure(size_t bytes, size_t step)
{
	char *start = reserve(bytes + HUGE_PAGE_BYTES);
	char *memory = align_to_huge_page(start, bytes);
	double begin, taken;

	touch_each_page(memory, bytes);
	begin = seconds();
	discard(memory, bytes, step);
	taken = seconds() - begin;
	munmap(start, bytes + HUGE_PAGE_BYTES);
	return taken;
}

int main(int argc, char **argv)
{
	size_t bytes;

	if (argc < 3) {
		fprintf(stderr, "usage: limit MIB STEP...\n");
		return 2;
	}
	bytes = parse_count(argv[1]) * MIB;
	for (char **step = argv + 2; *step; step++)
		printf("%s %.6f\n", *step, measure(bytes, parse_count(*step) * KIB));
	return 0;
}
