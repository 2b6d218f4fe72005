/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs that use memory in a test guest share: reading their arguments, mapping
 * memory and putting it in place, measuring time, and stopping when SIGTERM arrives.
 */
#ifndef AEROSTAT_GUEST_MEMORY_H
#define AEROSTAT_GUEST_MEMORY_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE_BYTES ((size_t)4096)
#define HUGE_PAGE_BYTES (2 * MIB)

static volatile sig_atomic_t stop_requested;

static inline void request_stop(int signal_number)
{
	(void)signal_number;
	stop_requested = 1;
}

static inline void stop_on_sigterm(void)
{
	struct sigaction action = { .sa_handler = request_stop };

	sigaction(SIGTERM, &action, NULL);
}

/* SIGTERM stays blocked but while waiting, so that it is never missed. */
static inline void wait_for_sigterm(void)
{
	sigset_t blocked, previous;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &previous);
	while (!stop_requested)
		sigsuspend(&previous);
}

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static inline size_t parse_count(const char *text)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (errno || end == text || *end || !count) {
		fprintf(stderr, "\"%s\" is not a number above 0\n", text);
		exit(2);
	}
	return count;
}

/* The result starts at a huge page's boundary and is never unmapped. */
static inline char *map_memory(size_t bytes)
{
	char *start = mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		die("cannot map memory");
	return start + (-(uintptr_t)start & (HUGE_PAGE_BYTES - 1));
}

static inline void write_each_page(char *memory, size_t bytes)
{
	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		*(volatile uint64_t *)(memory + offset) = offset + 1;
}

static inline double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

#endif
