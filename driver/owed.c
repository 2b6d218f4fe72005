// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that a guest in need has taken back before the device could be told.
 *
 * The rule: only for want of requests, because the device does not answer, and never under
 * MUST_TELL_HOST. It is noted before it is free, told before anything is named again, and
 * there is room for so much and no more.
 */
#include "owed.h"

/**
 * owed_prepare - begin with nothing
 * @owed: memory of which the device is to be told
 *
 * Does not sleep.
 */
void owed_prepare(struct owed *owed)
{
	spin_lock_init(&owed->lock);
}

/**
 * owed_forget - the device was reset, and nothing is owed
 * @owed: memory of which the device was to be told
 *
 * Does not sleep.
 */
void owed_forget(struct owed *owed)
{
	unsigned long flags;

	spin_lock_irqsave(&owed->lock, flags);
	WRITE_ONCE(owed->count, 0);
	spin_unlock_irqrestore(&owed->lock, flags);
}

static struct owed_run *owed_at(struct owed *owed, unsigned int place)
{
	return &owed->runs[(owed->begin + place) % OWED_RUNS];
}

/* The oldest run may be being told, and stays as it is. */
static bool owed_extend(struct owed *owed, const struct owed_run *run)
{
	struct owed_run *last = owed->count > 1 ? owed_at(owed, owed->count - 1) : NULL;

	if (!last || last->first + last->count != run->first)
		return false;
	last->count += run->count;
	return true;
}

static bool owed_append(struct owed *owed, const struct owed_run *run)
{
	if (owed->count == OWED_RUNS)
		return false;
	*owed_at(owed, owed->count) = *run;
	WRITE_ONCE(owed->count, owed->count + 1);
	return true;
}

/**
 * owed_note - remember memory that is about to be the guest's again
 * @owed: memory of which the device is to be told
 * @first: the first frame number
 * @count: how many there are
 *
 * Does not sleep; the out-of-memory path calls it.
 *
 * Return: false if there is no room, and the memory has to stay where it is.
 */
bool owed_note(struct owed *owed, u64 first, unsigned long count)
{
	struct owed_run run = { first, count };
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&owed->lock, flags);
	fits = owed_extend(owed, &run) || owed_append(owed, &run);
	spin_unlock_irqrestore(&owed->lock, flags);
	return fits;
}

/**
 * owed_first - what to tell next
 * @owed: memory of which the device is to be told
 * @most: how many frame numbers at most
 * @first: gets the first frame number
 *
 * Does not sleep. It stays owed until owed_told(). One caller at a time.
 *
 * Return: how many there are, 0 if nothing is owed.
 */
unsigned long owed_first(struct owed *owed, unsigned long most, u64 *first)
{
	unsigned long flags, count = 0;

	spin_lock_irqsave(&owed->lock, flags);
	if (owed->count) {
		*first = owed->runs[owed->begin].first;
		count = min(most, owed->runs[owed->begin].count);
	}
	spin_unlock_irqrestore(&owed->lock, flags);
	return count;
}

/**
 * owed_told - what owed_first() said has been told
 * @owed: memory of which the device is to be told
 * @count: how many frame numbers
 *
 * Does not sleep.
 */
void owed_told(struct owed *owed, unsigned long count)
{
	unsigned long flags;
	struct owed_run *run;

	spin_lock_irqsave(&owed->lock, flags);
	run = &owed->runs[owed->begin];
	run->first += count;
	run->count -= count;
	if (!run->count) {
		owed->begin = (owed->begin + 1) % OWED_RUNS;
		WRITE_ONCE(owed->count, owed->count - 1);
	}
	spin_unlock_irqrestore(&owed->lock, flags);
}

/**
 * owed_is_empty - whether the device has been told of everything
 * @owed: memory of which the device is to be told
 *
 * Does not sleep, takes no lock.
 *
 * Return: true if so.
 */
bool owed_is_empty(struct owed *owed)
{
	return !READ_ONCE(owed->count);
}
