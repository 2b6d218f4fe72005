/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all fuzzers use: an input that never ends, and demands.
 *
 * The rule: an input that is used up goes on with numbers that its last bytes decide, so
 * every sequence of bytes is a test, a short one too a long one, and always the same.
 */
#ifndef AEROSTAT_FUZZ_H
#define AEROSTAT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/**
 * struct input - what is left of the bytes that the fuzzer made up
 * @next: the next one
 * @end: behind the last one
 * @beyond: decides what comes behind that
 */
struct input {
	const unsigned char *next;
	const unsigned char *end;
	unsigned int beyond;
};

/* What each fuzzer defines: one test. The name behind it is libFuzzer's. */
int fuzz_one(const unsigned char *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

static inline struct input input_of(const unsigned char *data, size_t size)
{
	struct input input = { .next = data, .end = data + size };
	size_t i;

	for (i = size > 4 ? size - 4 : 0; i < size; i++)
		input.beyond = input.beyond << 8 | data[i];
	return input;
}

static inline unsigned char input_next(struct input *input)
{
	if (input->next < input->end)
		return *input->next++;
	input->beyond = input->beyond * 1103515245u + 12345u;
	return input->beyond >> 16;
}

static inline unsigned long long input_take(struct input *input, unsigned int bytes)
{
	unsigned long long value = 0;

	while (bytes--)
		value = value << 8 | input_next(input);
	return value;
}

/* Less than a quarter of all words, of any magnitude, and often beside a power of two. */
static inline unsigned long input_take_pages(struct input *input)
{
	unsigned long least = 1ul << input_take(input, 1) % 62;
	unsigned long more = input_take(input, 1);

	return more == 1 ? least - 1 : least + (least >> 8) * more;
}

/* Allocates exactly so much, so that the address sanitizer sees a byte too far. */
static inline void *take_memory(size_t size)
{
	void *memory = malloc(size);

	if (!memory && size)
		abort();
	return memory;
}

/* What is said has to be true; else the fuzzer keeps the input and stops. */
static inline void demand(bool truth, const char *sentence)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz: not so: %s\n", sentence);
	abort();
}

#endif
