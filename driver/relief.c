// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a guest that is short of memory is relieved. Free of kernel types.
 *
 * The rule: at each need in a row it gets twice as much back, up to a share of the balloon,
 * and it gets more before it runs out again, as long as it uses up what it got.
 * Then the balloon holds off until the guest has had enough memory for a while, which is
 * twice as long each time that it happens again, or plenty for a part of that time.
 */
#include "relief.h"

static unsigned long relief_portion(struct relief *relief, unsigned long first,
				    unsigned long held)
{
	unsigned long most = held / RELIEF_SHARE > first ? held / RELIEF_SHARE : first;
	unsigned long portion = relief->next > first ? relief->next : first;

	portion = portion > most ? most : portion;
	relief->next = portion * 2;
	return portion;
}

static unsigned int relief_next_wait(const struct relief *relief, unsigned long long now)
{
	unsigned long long calm = now - relief->enough_since;

	if (!relief->wait_ms || calm / RELIEF_FORGET_TIMES >= relief->wait_ms)
		return RELIEF_FIRST_MS;
	return relief->wait_ms > RELIEF_LAST_MS / 2 ? RELIEF_LAST_MS : relief->wait_ms * 2;
}

/**
 * relief_begin - the guest is short of memory
 * @relief: what it gets
 * @now: the time, in ms
 * @first: how much it gets the first time, in pages
 * @held: the balloon's size, in pages
 *
 * Return: how much to give back, in pages.
 */
unsigned long relief_begin(struct relief *relief, unsigned long long now, unsigned long first,
			   unsigned long held)
{
	if (relief->state == RELIEF_NONE) {
		relief->wait_ms = relief_next_wait(relief, now);
		relief->next = 0;
		relief->state = RELIEF_HOLDING_OFF;
	}
	relief->given = now;
	relief->looked = now;
	relief->enough_since = now;
	relief->plenty_since = now;
	return relief_portion(relief, first, held);
}

/**
 * relief_more - whether a guest that got memory is about to need more
 * @relief: what it gets
 * @now: the time, in ms
 * @available: what programs could have without swapping, in pages
 * @held: the balloon's size, in pages
 *
 * Return: how much to give back, in pages; 0 if it has as much as it got last.
 */
unsigned long relief_more(const struct relief *relief, unsigned long long now,
			  unsigned long available, unsigned long held)
{
	unsigned long most = held / RELIEF_SHARE;

	if (relief->state == RELIEF_NONE || now - relief->given >= RELIEF_GROWS_MS ||
	    available >= relief->next / 2)
		return 0;
	return relief->next > most ? most : relief->next;
}

/**
 * relief_gave - the guest got more before it ran out again
 * @relief: what it gets
 * @now: the time, in ms
 * @count: how much, in pages; nothing changes nothing
 */
void relief_gave(struct relief *relief, unsigned long long now, unsigned long count)
{
	if (!count)
		return;
	relief->next = count * 2;
	relief->given = now;
	relief->looked = now;
	relief->enough_since = now;
	relief->plenty_since = now;
}

/* A guest that nobody has looked at was not seen to have had enough. */
static void relief_note(struct relief *relief, unsigned long long now,
			const struct relief_memory *memory)
{
	if (now - relief->looked > RELIEF_UNSEEN_MS) {
		relief->enough_since = now;
		relief->plenty_since = now;
	}
	relief->looked = now;
	if (memory->available < memory->enough)
		relief->enough_since = now;
	if (memory->available < memory->enough ||
	    memory->available - memory->enough < memory->missing)
		relief->plenty_since = now;
}

/**
 * relief_look - whether the balloon still has to hold off
 * @relief: what the guest gets
 * @now: the time, in ms
 * @memory: how the guest fares
 *
 * Return: when to look again, in ms; 0 if the balloon may grow.
 */
unsigned int relief_look(struct relief *relief, unsigned long long now,
			 const struct relief_memory *memory)
{
	if (relief->state == RELIEF_NONE)
		return 0;
	relief_note(relief, now, memory);
	if (now - relief->enough_since < relief->wait_ms &&
	    now - relief->plenty_since < relief->wait_ms / RELIEF_PLENTY_PART)
		return now - relief->given < RELIEF_GROWS_MS ? RELIEF_WATCH_MS : RELIEF_LOOK_MS;
	relief->state = RELIEF_NONE;
	relief->enough_since = now;
	return 0;
}
