// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * churn MIB SEED: a program whose need for memory grows and shrinks at random, up to MIB.
 * It works on each page for some rounds, gives the memory back, rests, and begins again.
 * On SIGTERM it prints how many pages it has worked on, and how many of them did not hold
 * what it had written; those make it fail.
 */
#include <time.h>

#include "memory.h"

#define ROUNDS 4
#define REST_MS 100

static uint64_t worked, wrong;

static void work_on(char *memory, size_t bytes)
{
	uint64_t mark = ++worked;

	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		*(volatile uint64_t *)(memory + offset) = mark ^ offset;
	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		wrong += *(volatile uint64_t *)(memory + offset) != (mark ^ offset);
	worked += bytes / PAGE_BYTES;
}

static void rest(void)
{
	struct timespec time = { .tv_nsec = random() % REST_MS * 1000000 };

	nanosleep(&time, NULL);
}

int main(int argc, char **argv)
{
	size_t most, bytes;
	char *memory;

	if (argc != 3) {
		fprintf(stderr, "usage: churn MIB SEED\n");
		return 2;
	}
	stop_on_sigterm();
	most = parse_count(argv[1]);
	srandom(parse_count(argv[2]));
	while (!stop_requested) {
		bytes = (1 + random() % most) * MIB;
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
		if (memory == MAP_FAILED)
			die("cannot map memory");
		for (int round = 0; round < ROUNDS && !stop_requested; round++)
			work_on(memory, bytes);
		munmap(memory, bytes);
		rest();
	}
	printf("worked on %llu pages, %llu wrong\n", (unsigned long long)worked,
	       (unsigned long long)wrong);
	return wrong != 0;
}
