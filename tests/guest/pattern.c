// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pattern MIB [huge|base] [at RATE]: finds memory that changed behind its owner's
 * back. Every word holds a value made from its address and a generation. Each
 * round checks all pages and rewrites them with the next generation, at most RATE
 * MiB per second. SIGTERM ends it after a last check. A wrong word ends it at once
 * with status 1.
 */
#include <time.h>

#include "memory.h"

#define ALMOST_A_SECOND_NS 999999999

static uint64_t expected_word(const uint64_t *word, uint64_t generation)
{
	return ((uintptr_t)word ^ generation << 48) * 0x9e3779b97f4a7c15u;
}

static void write_page(uint64_t *page, uint64_t generation)
{
	for (uint64_t *word = page; word < page + PAGE_BYTES / sizeof(*word); word++)
		*word = expected_word(word, generation);
}

static void report_wrong_word(const uint64_t *word, uint64_t expected, uint64_t found)
{
	printf("pattern: wrong word at %p: expected %016llx, found %016llx\n",
	       (const void *)word, (unsigned long long)expected, (unsigned long long)found);
	exit(1);
}

static void check_page(const uint64_t *page, uint64_t generation)
{
	for (const uint64_t *word = page; word < page + PAGE_BYTES / sizeof(*word); word++) {
		uint64_t expected = expected_word(word, generation);
		uint64_t found = *(const volatile uint64_t *)word;

		if (found != expected)
			report_wrong_word(word, expected, found);
	}
}

static uint64_t *page_at(char *memory, size_t offset)
{
	return (uint64_t *)(memory + offset);
}

static void fill(char *memory, size_t bytes)
{
	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		write_page(page_at(memory, offset), 0);
}

/* A rate of 0 is no limit. A signal ends the rest. */
static void rest_at_each_mib(size_t offset, size_t rate)
{
	struct timespec rest = { 0 };

	if (!rate || offset % MIB)
		return;
	rest.tv_nsec = ALMOST_A_SECOND_NS / rate;
	nanosleep(&rest, NULL);
}

/* Returns how far it got: a stop may come in the middle of a round. */
static size_t advance(char *memory, size_t bytes, uint64_t generation, size_t rate)
{
	size_t offset;

	for (offset = 0; offset < bytes && !stop_requested; offset += PAGE_BYTES) {
		check_page(page_at(memory, offset), generation);
		write_page(page_at(memory, offset), generation + 1);
		rest_at_each_mib(offset, rate);
	}
	return offset;
}

static void check_all(char *memory, size_t bytes, size_t advanced, uint64_t generation)
{
	for (size_t offset = 0; offset < bytes; offset += PAGE_BYTES)
		check_page(page_at(memory, offset), generation + (offset < advanced));
}

static void advise_page_size(char *memory, size_t bytes, const char *page_size)
{
	int advice = strcmp(page_size, "huge") ? MADV_NOHUGEPAGE : MADV_HUGEPAGE;

	if (madvise(memory, bytes, advice))
		die("cannot choose the page size");
}

static bool is_page_size(const char *word)
{
	return word && (!strcmp(word, "huge") || !strcmp(word, "base"));
}

static bool is_rate(char **words)
{
	return words[0] && !strcmp(words[0], "at") && words[1];
}

int main(int argc, char **argv)
{
	char **word = argv + 1, *page_size = NULL, *memory;
	size_t bytes, advanced, rate = 0;
	uint64_t generation = 0;

	bytes = argc > 1 ? parse_count(*word++) * MIB : 0;
	if (is_page_size(*word))
		page_size = *word++;
	if (is_rate(word)) {
		rate = parse_count(word[1]);
		word += 2;
	}
	if (!bytes || *word) {
		fprintf(stderr, "usage: pattern MIB [huge|base] [at RATE]\n");
		return 2;
	}
	stop_on_sigterm();
	memory = map_memory(bytes);
	if (page_size)
		advise_page_size(memory, bytes, page_size);
	fill(memory, bytes);
	printf("pattern: ready\n");
	fflush(stdout);

	while ((advanced = advance(memory, bytes, generation, rate)) == bytes)
		generation++;
	check_all(memory, bytes, advanced, generation);
	printf("pattern: %llu rounds, 0 wrong\n", (unsigned long long)generation);
	return 0;
}
