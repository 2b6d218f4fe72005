// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Relief: any needs, gifts and looks, at any times, with any amounts of memory that fit
 * into a quarter of a word.
 *
 * The rule: a diary keeps what happened since the guest was last in need, and every answer
 * is found by reading it backwards. No amount is so large that twice as much overflows.
 */
#include <string.h>

#include "fuzz.h"
#include "relief.h"

#define ACTS 60
#define MOST_ENTRIES (70 * ACTS + 2)
#define UNSEEN_MS 5000

/* One entry: what was seen or given, and when. */
struct entry {
	unsigned long long now;
	bool gave;
	bool enough;
	bool plenty;
};

struct diary {
	struct entry entries[MOST_ENTRIES];
	unsigned int count;
	unsigned int in_a_row;
	unsigned long long ended;
	bool ever;
	bool holding_off;
	unsigned long last;
};

struct world {
	struct relief relief;
	struct diary diary;
	unsigned long long now;
};

static unsigned long smaller(unsigned long one, unsigned long other)
{
	return one < other ? one : other;
}

static unsigned long larger(unsigned long one, unsigned long other)
{
	return one > other ? one : other;
}

static unsigned long long hold_off_ms(unsigned int in_a_row)
{
	static const unsigned long long waits[] = {
		10000, 20000, 40000, 80000, 160000, 320000,
	};
	const unsigned int last = sizeof(waits) / sizeof(*waits) - 1;

	return waits[in_a_row < last ? in_a_row : last];
}

static void note(struct diary *diary, struct entry entry)
{
	diary->entries[diary->count++] = entry;
}

/* How long ago the last entry was of which it is true that ... */
static unsigned long long since_gift(const struct diary *diary, unsigned long long now)
{
	unsigned int i = diary->count;

	while (!diary->entries[--i].gave)
		;
	return now - diary->entries[i].now;
}

static unsigned long long since_not_enough(const struct diary *diary, unsigned long long now)
{
	unsigned int i = diary->count;

	while (diary->entries[--i].enough)
		;
	return now - diary->entries[i].now;
}

static unsigned long long since_not_plenty(const struct diary *diary, unsigned long long now)
{
	unsigned int i = diary->count;

	while (diary->entries[--i].plenty)
		;
	return now - diary->entries[i].now;
}

static void open_diary(struct diary *diary, unsigned long long now)
{
	if (diary->ever && now - diary->ended < 4 * hold_off_ms(diary->in_a_row))
		diary->in_a_row++;
	else
		diary->in_a_row = 0;
	diary->count = 0;
	diary->last = 0;
	diary->ever = true;
	diary->holding_off = true;
}

static void get_into_need(struct world *world, unsigned long first, unsigned long held)
{
	struct diary *diary = &world->diary;
	unsigned long most = larger(first, held / 8), portion;

	if (!diary->holding_off)
		open_diary(diary, world->now);
	portion = relief_begin(&world->relief, world->now, first, held);
	demand(portion >= first, "a need is met with what was asked for at least");
	demand(portion <= most, "a need is met with an eighth of the balloon at most");
	demand(portion == smaller(larger(first, 2 * diary->last), most),
	       "each need in a row gets twice as much");
	demand(world->relief.wait_ms == hold_off_ms(diary->in_a_row),
	       "each time soon after another the balloon holds off twice as long");
	diary->last = portion;
	note(diary, (struct entry){ .now = world->now, .gave = true });
}

static unsigned long more(struct world *world, unsigned long available, unsigned long held)
{
	const struct relief before = world->relief;
	struct diary *diary = &world->diary;
	unsigned long expected = smaller(2 * diary->last, held / 8);
	unsigned long count = relief_more(&world->relief, world->now, available, held);

	demand(!memcmp(&before, &world->relief, sizeof(before)), "asking changes nothing");
	if (!diary->holding_off || since_gift(diary, world->now) >= 1000 ||
	    available >= diary->last)
		expected = 0;
	demand(count == expected,
	       "who soon uses up what he got gets twice as much, an eighth at most");
	return count;
}

static void give(struct world *world, unsigned long count)
{
	relief_gave(&world->relief, world->now, count);
	if (!count)
		return;
	world->diary.last = count;
	note(&world->diary, (struct entry){ .now = world->now, .gave = true });
}

static bool calm(const struct world *world)
{
	const struct diary *diary = &world->diary;
	unsigned long long wait = hold_off_ms(diary->in_a_row);

	return since_not_enough(diary, world->now) >= wait ||
	       since_not_plenty(diary, world->now) >= wait / 8;
}

static unsigned int look(struct world *world, const struct relief_memory *memory)
{
	unsigned long plenty = memory->missing + memory->enough;
	struct diary *diary = &world->diary;
	unsigned int expected = 0, wait = relief_look(&world->relief, world->now, memory);

	if (diary->holding_off) {
		bool seen = world->now - diary->entries[diary->count - 1].now <= UNSEEN_MS;

		note(diary, (struct entry){
			.now = world->now,
			.enough = seen && memory->available >= memory->enough,
			.plenty = seen && memory->available >= plenty,
		});
		diary->holding_off = !calm(world);
		expected = since_gift(diary, world->now) < 1000 ? 4 : 1000;
		if (!diary->holding_off)
			diary->ended = world->now;
	}
	demand(wait == (diary->holding_off ? expected : 0),
	       "the balloon holds off until there was enough, or plenty, for its time");
	demand((world->relief.state == RELIEF_NONE) == !diary->holding_off,
	       "the state says whether the balloon holds off");
	return wait;
}

/* Somebody looks now and then, as long as the balloon holds off. */
static void pass(struct world *world, unsigned long long step, const struct relief_memory *seen)
{
	while (seen && world->diary.holding_off && step > UNSEEN_MS) {
		world->now += UNSEEN_MS;
		step -= UNSEEN_MS;
		look(world, seen);
	}
	world->now += step;
}

/* Often to a moment at which something ends, or beside it. */
static void let_time_pass(struct world *world, struct input *input)
{
	static const struct relief_memory enough = { 100, 100, 200 }, plenty = { 300, 100, 200 };
	static const struct relief_memory *const seen[] = { NULL, &enough, &plenty, &enough };
	unsigned long long wait = hold_off_ms(world->diary.in_a_row);
	const unsigned long long steps[] = { 1, UNSEEN_MS, 1000, wait / 8, wait, 4 * wait };
	unsigned int form = (unsigned int)input_take(input, 1), choice = form / 4 % 8;
	unsigned long long step;

	if (choice < sizeof(steps) / sizeof(*steps))
		step = steps[choice];
	else
		step = input_take(input, choice == 6 ? 2 : 5);
	if (form % 4 == 1 && step)
		step--;
	if (form % 4 == 2)
		step++;
	pass(world, step, seen[form / 32 % 4]);
}

/* Often just what is asked for, or beside it. */
static unsigned long choose_available(struct input *input, unsigned long asked)
{
	switch (input_take(input, 1) % 4) {
	case 0:
		return asked;
	case 1:
		return asked ? asked - 1 : 0;
	case 2:
		return asked + 1;
	default:
		return input_take_pages(input);
	}
}

static void ask_for_more(struct world *world, struct input *input)
{
	unsigned long last = world->diary.last;
	unsigned long available = choose_available(input, last);
	unsigned long count = more(world, available, input_take_pages(input));

	if (input_take(input, 1) % 2)
		count = count ? input_take_pages(input) : 0;
	give(world, count);
}

static void look_around(struct world *world, struct input *input)
{
	struct relief_memory memory = {
		.enough = input_take_pages(input) / 2,
		.missing = input_take_pages(input) / 2,
	};
	bool all = input_take(input, 1) % 2;

	memory.available = choose_available(input, memory.enough + (all ? memory.missing : 0));
	look(world, &memory);
}

static void demand_an_end(struct world *world)
{
	static const struct relief_memory plenty = { 3, 1, 2 };

	look(world, &plenty);
	pass(world, hold_off_ms(world->diary.in_a_row) / 8, &plenty);
	demand(!look(world, &plenty), "with plenty of memory holding off ends");
}

/* What guests often do: go on growing, and have just enough, or all that is missing, too. */
static void grow(struct world *world)
{
	unsigned long last = world->diary.last;

	world->now++;
	give(world, more(world, last - (last > 0), 1ul << 30));
}

static void have_enough(struct world *world, bool all)
{
	const struct relief_memory memory = { all ? 300 : 100, 100, 200 };

	look(world, &memory);
}

static void act(struct world *world, struct input *input)
{
	unsigned int form = (unsigned int)input_take(input, 1);
	unsigned long first;

	switch (form % 8) {
	case 0:
		first = input_take_pages(input);
		get_into_need(world, first, input_take_pages(input));
		break;
	case 1:
		ask_for_more(world, input);
		break;
	case 2:
		look_around(world, input);
		break;
	case 3:
		demand_an_end(world);
		break;
	case 4:
		grow(world);
		break;
	case 5:
		have_enough(world, form / 8 % 4 == 0);
		break;
	default:
		let_time_pass(world, input);
		break;
	}
}

int fuzz_one(const unsigned char *data, size_t size)
{
	struct input input = input_of(data, size);
	struct world world = { .now = input_take(&input, 5) };
	int i;

	for (i = 0; i < ACTS; i++)
		act(&world, &input);
	demand_an_end(&world);
	return 0;
}
