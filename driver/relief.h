/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AEROSTAT_RELIEF_H
#define AEROSTAT_RELIEF_H

/* How long the guest has to have had enough, the first time and at most. */
#define RELIEF_FIRST_MS 10000u
#define RELIEF_LAST_MS 320000u

/* How often to look whether it has, and how often while it may go on growing. */
#define RELIEF_LOOK_MS 1000u
#define RELIEF_WATCH_MS 4u

/* So long after nobody has looked, nobody knows how the guest has fared. */
#define RELIEF_UNSEEN_MS (5 * RELIEF_LOOK_MS)

/* So long after it got memory a guest may go on growing. */
#define RELIEF_GROWS_MS 1000u

/* The largest share of the balloon that goes back at once: one of so many. */
#define RELIEF_SHARE 8

/* With plenty of memory a guest waits for one of so many parts of its time. */
#define RELIEF_PLENTY_PART 8

/* So many times its wait without a need, and the guest starts over. */
#define RELIEF_FORGET_TIMES 4

enum relief_state {
	RELIEF_NONE,
	RELIEF_HOLDING_OFF,	/* the guest took memory back, and the balloon does not grow */
};

/**
 * struct relief - what a guest that was short of memory gets; the caller's lock
 * @state: whether the balloon is kept from growing
 * @next: how much goes back at the next need, in pages, 0 for the first one
 * @wait_ms: how long the guest has to have had enough, in ms, 0 before the first need
 * @given: when it got memory last, in ms
 * @looked: when somebody looked at it last, in ms
 * @enough_since: since when it has had enough, in ms; when holding off ended
 * @plenty_since: since when it has had plenty, in ms
 */
struct relief {
	enum relief_state state;
	unsigned long next;
	unsigned int wait_ms;
	unsigned long long given;
	unsigned long long looked;
	unsigned long long enough_since;
	unsigned long long plenty_since;
};

/**
 * struct relief_memory - how the guest fares, in pages
 * @available: what programs could have without swapping
 * @enough: how much of that lets a guest breathe
 * @missing: what the balloon would take
 */
struct relief_memory {
	unsigned long available;
	unsigned long enough;
	unsigned long missing;
};

unsigned long relief_begin(struct relief *relief, unsigned long long now, unsigned long first,
			   unsigned long held);
unsigned long relief_more(const struct relief *relief, unsigned long long now,
			  unsigned long available, unsigned long held);
void relief_gave(struct relief *relief, unsigned long long now, unsigned long count);
unsigned int relief_look(struct relief *relief, unsigned long long now,
			 const struct relief_memory *memory);

#endif
