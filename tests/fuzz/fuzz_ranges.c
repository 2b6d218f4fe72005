// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Merging: any pieces that do not overlap, in rising, falling or any order, into tables of
 * any size, at the bottom and the top of all frames and on both sides of a seam.
 *
 * The rule: a map says of each frame which piece it belongs to. From that alone follows
 * between which frames a range may go on: within a piece, and from one piece to the next if
 * there is no seam between them nor within either. Each frame that was accepted is in one
 * range, no other frame is in any, and where a range can go on it does.
 */
#include <limits.h>
#include <string.h>

#include "fuzz.h"
#include "ranges.h"

#define FRAMES 256
#define MOST_PIECES 64
#define LARGEST_PIECE 32

/* 128 MiB in pages of 4 KiB: where the host's memory may have a seam. */
#define HOST_GRAIN 32768ul

enum order { RISING, FALLING, ANY, ORDERS };

struct piece {
	unsigned int place;
	unsigned int count;
};

/* Places are counted from @base; in the maps 0 is nobody, and n + 1 is number n. */
struct sample {
	unsigned long base;
	unsigned long grain;
	enum order order;
	unsigned int count;
	struct piece pieces[MOST_PIECES];
	unsigned char piece_of[FRAMES];
	unsigned char range_of[FRAMES];
	unsigned char refused[MOST_PIECES + 1];
	unsigned char crosses[MOST_PIECES + 1];
};

static unsigned long choose_grain(struct input *input)
{
	static const unsigned long grains[] = { 0, HOST_GRAIN, 64, 16, 7, 1 };

	return grains[input_take(input, 1) % (sizeof(grains) / sizeof(*grains))];
}

static unsigned long choose_base(struct input *input)
{
	unsigned long seam = HOST_GRAIN * (1 + (unsigned long)input_take(input, 4));

	switch (input_take(input, 1) % 4) {
	case 0:
		return 0;
	case 1:
		return ULONG_MAX - FRAMES;
	case 2:
		return seam - input_take(input, 1) % FRAMES;
	default:
		return seam + input_take(input, 2);
	}
}

static bool is_seam(const struct sample *sample, unsigned int place)
{
	return sample->grain && (sample->base + place) % sample->grain == 0;
}

static void choose_pieces(struct sample *sample, struct input *input)
{
	unsigned int place = 0, most = (unsigned int)input_take(input, 1) % (MOST_PIECES + 1);

	while (sample->count < most) {
		unsigned int form = (unsigned int)input_take(input, 2);
		struct piece piece = { place + form % 4 / 3 * (form / 4 % 32),
				       1 + form / 128 % LARGEST_PIECE };

		if (piece.place + piece.count > FRAMES)
			break;
		sample->pieces[sample->count++] = piece;
		place = piece.place + piece.count;
	}
}

static void swap_pieces(struct sample *sample, unsigned int one, unsigned int other)
{
	struct piece piece = sample->pieces[one];

	sample->pieces[one] = sample->pieces[other];
	sample->pieces[other] = piece;
}

static void order_pieces(struct sample *sample, struct input *input)
{
	unsigned int i;

	if (sample->order == FALLING)
		for (i = 0; i < sample->count / 2; i++)
			swap_pieces(sample, i, sample->count - 1 - i);
	if (sample->order == ANY)
		for (i = 0; i < sample->count; i++)
			swap_pieces(sample, i, input_take(input, 1) % sample->count);
}

static void draw_map(struct sample *sample)
{
	unsigned int i, k;

	for (i = 0; i < sample->count; i++)
		for (k = 0; k < sample->pieces[i].count; k++) {
			unsigned int place = sample->pieces[i].place + k;

			sample->piece_of[place] = i + 1;
			if (k && is_seam(sample, place))
				sample->crosses[i + 1] = 1;
		}
}

/* Whether a range that has the frame before @place may have that at @place, too. */
static bool goes_on(const struct sample *sample, unsigned int place)
{
	unsigned char before = sample->piece_of[place - 1], piece = sample->piece_of[place];

	if (before == piece)
		return true;
	return !sample->crosses[before] && !sample->crosses[piece] && !is_seam(sample, place);
}

static bool ends_at(const struct memory_range *range, unsigned long frame)
{
	return range->first + range->count == frame;
}

static void demand_no_join(const struct sample *sample, const struct piece *piece,
			   const struct memory_range *last)
{
	unsigned int end = piece->place + piece->count;

	if (ends_at(last, sample->base + piece->place))
		demand(!goes_on(sample, piece->place), "a piece joins the range before it");
	if (last->first == sample->base + end)
		demand(!goes_on(sample, end), "a piece joins the range behind it");
}

static void add_piece(struct sample *sample, struct ranges *ranges, unsigned int number)
{
	const struct piece *piece = &sample->pieces[number];
	unsigned int before = ranges->count;
	struct memory_range last = { 0 };
	int accepted;

	if (before)
		last = ranges->table[before - 1];
	accepted = ranges_add(ranges, sample->base + piece->place, piece->count);
	demand(ranges->count <= ranges->capacity, "there is room for what is in the table");
	if (before && (!accepted || ranges->count > before)) {
		demand_no_join(sample, piece, &last);
		demand(!memcmp(&last, &ranges->table[before - 1], sizeof(last)),
		       "what joins no range changes none");
	}
	if (accepted)
		return;
	demand(before == ranges->capacity && ranges->count == before,
	       "only a full table refuses, and stays as it is");
	sample->refused[number + 1] = 1;
}

static void draw_range(struct sample *sample, const struct memory_range *range,
		       unsigned int number)
{
	unsigned long i;

	demand(range->count && range->count <= FRAMES, "a range has pages");
	for (i = 0; i < range->count; i++) {
		unsigned long place = range->first + i - sample->base;

		demand(place < FRAMES && sample->piece_of[place], "a range has given pages only");
		demand(!sample->refused[sample->piece_of[place]], "what is refused is left out");
		demand(!sample->range_of[place], "no two ranges have the same page");
		sample->range_of[place] = number + 1;
		demand(!i || goes_on(sample, place), "no range goes across a seam");
	}
}

static void demand_largest(const struct sample *sample)
{
	unsigned int place;

	for (place = 1; place < FRAMES; place++) {
		unsigned char before = sample->range_of[place - 1];
		unsigned char range = sample->range_of[place];

		if (!sample->piece_of[place - 1] || !sample->piece_of[place])
			continue;
		if (before || range)
			demand((before == range) == goes_on(sample, place),
			       "in the order of addresses ranges are as large as can be");
	}
}

static void check_ranges(struct sample *sample, const struct ranges *ranges)
{
	unsigned int i;

	for (i = 0; i < ranges->count; i++)
		draw_range(sample, &ranges->table[i], i);
	for (i = 0; i < FRAMES; i++)
		demand(!sample->piece_of[i] || sample->refused[sample->piece_of[i]] ||
		       sample->range_of[i], "each page that was accepted is in a range");
	if (sample->order == ANY)
		return;
	demand_largest(sample);
	for (i = 1; i < ranges->count; i++)
		demand((ranges->table[i - 1].first < ranges->table[i].first) ==
		       (sample->order == RISING), "ranges are in the order of the pieces");
}

int fuzz_one(const unsigned char *data, size_t size)
{
	struct input input = input_of(data, size);
	struct sample sample = { .order = input_take(&input, 1) % ORDERS };
	struct ranges ranges = { .capacity = input_take(&input, 1) % (MOST_PIECES + 1) };
	unsigned int i;

	sample.grain = choose_grain(&input);
	ranges.grain = sample.grain;
	sample.base = choose_base(&input);
	choose_pieces(&sample, &input);
	order_pieces(&sample, &input);
	draw_map(&sample);
	ranges.table = take_memory(ranges.capacity * sizeof(*ranges.table));
	for (i = 0; i < sample.count; i++)
		add_piece(&sample, &ranges, i);
	check_ranges(&sample, &ranges);
	free(ranges.table);
	return 0;
}
