// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's pages that the host owns, and scribbling on them.
 *
 * The rule: a page is the host's from the moment when the device sees it named, and what
 * the host owns may hold anything; so a guest that uses such a page finds poison, and one
 * that writes to it is found out. Nothing is allocated after the start. All is called
 * under the host's lock.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "owned.h"

#define POISON 0xdead0badf00dbeefull

static unsigned long frames_of_guest(void)
{
	unsigned long end = 0;
	int node;

	for_each_online_node(node)
		end = max(end, node_end_pfn(node));
	return end;
}

/* May sleep. Return: 0 or -ENOMEM. */
int owned_prepare(struct owned *owned)
{
	unsigned long bytes;

	owned->limit = frames_of_guest();
	bytes = BITS_TO_LONGS(owned->limit) * sizeof(long);
	owned->frames = vzalloc(bytes);
	owned->pending = vzalloc(bytes);
	owned->came_back = vzalloc(bytes);
	return owned->frames && owned->pending && owned->came_back ? 0 : -ENOMEM;
}

/* May sleep. */
void owned_free(struct owned *owned)
{
	vfree(owned->frames);
	vfree(owned->pending);
	vfree(owned->came_back);
}

/* Whether the guest has such a frame and may give it away. */
bool owned_is_memory(struct owned *owned, u32 frame)
{
	return frame < owned->limit && pfn_valid(frame) && !PageReserved(pfn_to_page(frame));
}

bool owned_has(struct owned *owned, u32 frame)
{
	return frame < owned->limit && test_bit(frame, owned->frames);
}

/* Whether it was named in a request that is not yet answered. */
bool owned_is_pending(struct owned *owned, u32 frame)
{
	return frame < owned->limit && test_bit(frame, owned->pending);
}

/* The frame was named: the host's from now on. */
void owned_begin(struct owned *owned, u32 frame)
{
	owned->count += !__test_and_set_bit(frame, owned->frames);
	__set_bit(frame, owned->pending);
	__clear_bit(frame, owned->came_back);
}

/* The request that named it is answered. */
void owned_acknowledge(struct owned *owned, u32 frame)
{
	__clear_bit(frame, owned->pending);
}

/* The frame is the guest's again. */
void owned_end(struct owned *owned, u32 frame)
{
	owned->count -= __test_and_clear_bit(frame, owned->frames);
	__set_bit(frame, owned->came_back);
	__clear_bit(frame, owned->pending);
}

/* Every frame is the guest's again. */
void owned_end_all(struct owned *owned)
{
	bitmap_or(owned->came_back, owned->came_back, owned->frames, owned->limit);
	bitmap_zero(owned->frames, owned->limit);
	bitmap_zero(owned->pending, owned->limit);
	owned->count = 0;
}

static u64 first_word(u32 frame)
{
	return READ_ONCE(*(u64 *)page_address(pfn_to_page(frame)));
}

/* Whether all of it is that word, over and over. */
bool owned_holds(struct owned *owned, u32 frame, u64 word)
{
	const u64 *words = page_address(pfn_to_page(frame));
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		if (READ_ONCE(words[i]) != word)
			return false;
	return true;
}

/* Whether it still looks as owned_scribble_on() left it. */
bool owned_is_scribbled_on(struct owned *owned, u32 frame)
{
	return first_word(frame) == POISON;
}

/*
 * Whether it is known to be free. Pages of a block have no users of their own; its first
 * page, which is marked, has.
 */
bool owned_is_free(struct owned *owned, u32 frame)
{
	struct page *page = pfn_to_page(frame);
	struct page *block = pfn_to_page(ALIGN_DOWN(frame, MAX_ORDER_NR_PAGES));

	return !page_ref_count(page) && !(page_ref_count(block) && PageOffline(block));
}

/* How many frames that came back begin with that word now. May sleep. */
unsigned long owned_came_back_with(struct owned *owned, u64 word)
{
	unsigned long frame, count = 0;

	for_each_set_bit(frame, owned->came_back, owned->limit) {
		count += first_word(frame) == word;
		cond_resched();
	}
	return count;
}

void owned_scribble_on(struct owned *owned, u32 frame)
{
	memset64(page_address(pfn_to_page(frame)), POISON, PAGE_SIZE / sizeof(u64));
}

/* A frame that was scribbled on before, and that nobody may have touched since. */
void owned_scribble_again(struct owned *owned, u32 frame)
{
	owned->used += !owned_is_scribbled_on(owned, frame);
	owned_scribble_on(owned, frame);
}

/* The next so many of what the host owns, round and round. Does not sleep. */
void owned_scribble_some(struct owned *owned, unsigned int count)
{
	unsigned long frame = owned->next;

	while (count-- && owned->count) {
		frame = find_next_bit(owned->frames, owned->limit, frame);
		if (frame >= owned->limit)
			frame = find_first_bit(owned->frames, owned->limit);
		owned_scribble_again(owned, frame++);
	}
	owned->next = frame;
}

/* May sleep. */
void owned_scribble_all(struct owned *owned)
{
	unsigned long frame;

	for_each_set_bit(frame, owned->frames, owned->limit) {
		owned_scribble_again(owned, frame);
		cond_resched();
	}
}
