/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that look like chance and follow from one number: the same again for the same
 * seed, on every machine.
 */
#ifndef AEROSTAT_GUEST_CHANCE_H
#define AEROSTAT_GUEST_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
	uint64_t mixed = chance->state += 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebull;
	return mixed ^ mixed >> 31;
}

/* From 0 to limit - 1. */
static inline unsigned int chance_below(struct chance *chance, unsigned int limit)
{
	return chance_next(chance) % limit;
}

/* Once in so many times. */
static inline bool chance_once_in(struct chance *chance, unsigned int times)
{
	return !chance_below(chance, times);
}

#define chance_pick(chance, list) \
	((list)[chance_below((chance), sizeof(list) / sizeof((list)[0]))])

#endif
