/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sequence of steps that a device and its guest take, made up from a seed.
 *
 * A step is a line of text: a control of the emulated device and what is written to it, or
 * one of the words sleep, hog, compact, bind, unbind, load and unload. One that begins with
 * "&" goes on in the background. So what is printed is what was done, and can be played.
 */
#ifndef AEROSTAT_GUEST_SEQUENCE_H
#define AEROSTAT_GUEST_SEQUENCE_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chance.h"

#define STEPS_MAX 96
#define STEP_BYTES 80
#define MIDDLE_STEPS_MIN 4
#define MIDDLE_STEPS_MAX 22

struct sequence {
	unsigned int count;
	char steps[STEPS_MAX][STEP_BYTES];
};

static const char * const queues[] = { "inflate", "deflate", "statistics", "hint", "report" };

__attribute__((format(printf, 2, 3)))
static void add(struct sequence *sequence, const char *format, ...)
{
	va_list arguments;

	if (sequence->count == STEPS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(sequence->steps[sequence->count++], STEP_BYTES, format, arguments);
	va_end(arguments);
}

static unsigned int pick_target(struct chance *chance)
{
	static const unsigned int odd[] = { 0, 1, 2, 255, 256, 257, 1024, 0xffffffff };

	if (chance_once_in(chance, 3))
		return odd[chance_below(chance, chance_once_in(chance, 16) ? 8 : 7)];
	return chance_below(chance, chance_once_in(chance, 8) ? 24 << 8 : 6 << 8);
}

/* STOP, DONE, and few rounds, so that the same one comes again. */
static unsigned int pick_command(struct chance *chance)
{
	return chance_once_in(chance, 16) ? 0xffffffff : chance_below(chance, 6);
}

static void add_target(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "num_pages %u", pick_target(chance));
}

static void add_command(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "command %u", pick_command(chance));
}

static void add_reads(struct sequence *sequence, struct chance *chance)
{
	if (chance_once_in(chance, 2))
		add(sequence, "num_pages_reads %u %u %u", pick_target(chance),
		    pick_target(chance), pick_target(chance));
	else
		add(sequence, "command_reads %u %u %u", pick_command(chance),
		    pick_command(chance), pick_command(chance));
}

static void add_answer(struct sequence *sequence, struct chance *chance)
{
	const char *queue = chance_pick(chance, queues);
	unsigned int value = chance_below(chance, 12);

	switch (chance_below(chance, 4)) {
	case 0:
		add(sequence, "answer_%s never", queue);
		break;
	case 1:
		add(sequence, "answer_%s late %u", queue, value);
		break;
	case 2:
		add(sequence, "answer_%s step %u", queue, value);
		break;
	default:
		add(sequence, "answer_%s at-once", queue);
	}
}

static void add_order(struct sequence *sequence, struct chance *chance)
{
	static const char * const orders[] = { "kept", "reversed", "random", "random" };

	add(sequence, "chance %u", chance_below(chance, 1000));
	add(sequence, "order %s", chance_pick(chance, orders));
}

static const char *pick_action(struct chance *chance)
{
	static const char * const actions[] = {
		"break", "break", "gone", "vanish", "vanish", "surprise", "unplug",
		"need-reset", "silence", "storm", "storm",
	};

	return chance_pick(chance, actions);
}

static void add_act(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "act %s", pick_action(chance));
}

static void add_strike(struct sequence *sequence, struct chance *chance)
{
	static const char * const events[] = {
		"get", "set", "status", "queue", "delete", "reset",
	};
	static const char * const kinds[] = { "notify", "request" };
	unsigned int times = 1 + chance_below(chance, chance_once_in(chance, 4) ? 40 : 6);

	if (chance_once_in(chance, 3))
		add(sequence, "strike %s %u %s", chance_pick(chance, events), times,
		    pick_action(chance));
	else
		add(sequence, "strike %s-%s %u %s", chance_pick(chance, kinds),
		    chance_pick(chance, queues), times, pick_action(chance));
}

static void add_lie(struct sequence *sequence, struct chance *chance)
{
	static const char * const lies[] = {
		"id 65535", "id 1024", "id -1", "id 0", "id 1", "twice", "twice", "jump 1",
		"jump 65535", "jump 1025", "jump 3", "garbage",
	};

	add(sequence, "lie %s %s", chance_pick(chance, queues), chance_pick(chance, lies));
}

static void add_storm(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "&storm %u", 1 + chance_below(chance, 60));
}

static void add_hog(struct sequence *sequence, struct chance *chance)
{
	unsigned int mib = 1 + chance_below(chance, chance_once_in(chance, 40) ? 180 : 8);

	add(sequence, "&hog %u %u", mib, chance_below(chance, 20));
}

static void add_compact(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "%scompact", chance_once_in(chance, 4) ? "" : "&");
}

static void add_sleep(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "sleep %u", chance_below(chance, 21));
}

static void add_used_length(struct sequence *sequence, struct chance *chance)
{
	static const unsigned int lengths[] = { 0, 1, 4096, 0x7fffffff, 0xffffffff };

	add(sequence, "used_length %u", chance_pick(chance, lengths));
}

static void add_delays(struct sequence *sequence, struct chance *chance)
{
	if (chance_once_in(chance, 2))
		add(sequence, "ready_ms %u", chance_below(chance, 6));
	else
		add(sequence, "notice_ms %u", chance_below(chance, 3));
}

static void add_rebind(struct sequence *sequence, struct chance *chance)
{
	const char *background = chance_once_in(chance, 2) ? "&" : "";

	add(sequence, "%sunbind", background);
	add_sleep(sequence, chance);
	add(sequence, "%sbind", background);
}

static void add_reload(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "%sunload", chance_once_in(chance, 2) ? "&" : "");
	add_sleep(sequence, chance);
	add(sequence, "load");
}

static void add_replug(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "%splugged %s", chance_once_in(chance, 2) ? "&" : "",
	    chance_once_in(chance, 2) ? "surprise" : "0");
	add_sleep(sequence, chance);
	add(sequence, "%splugged 1", chance_once_in(chance, 4) ? "&" : "");
}

static void add_queue_limit(struct sequence *sequence, struct chance *chance)
{
	add(sequence, "queue_limit %u", chance_once_in(chance, 3) ? chance_below(chance, 5) : 5);
}

/* What may come next, as often as it is listed. */
static void (* const middle[])(struct sequence *sequence, struct chance *chance) = {
	add_target, add_target, add_target, add_target, add_target, add_target,
	add_command, add_command, add_command, add_reads,
	add_answer, add_answer, add_answer, add_order, add_used_length, add_delays,
	add_act, add_strike, add_strike, add_lie, add_storm,
	add_hog, add_compact, add_compact,
	add_sleep, add_sleep, add_sleep, add_sleep, add_sleep, add_sleep,
	add_rebind, add_replug, add_queue_limit,
};

static void add_device(struct sequence *sequence, struct chance *chance)
{
	static const unsigned int sizes[] = { 2, 4, 8, 16, 64, 128, 128, 256, 1024 };
	unsigned int features = chance_next(chance) & 0x2f;
	unsigned int event_index = chance_once_in(chance, 2);
	unsigned int modern = !chance_once_in(chance, 8);

	add(sequence, "features %x%08x", modern, event_index << 29 | features);
	add(sequence, "queue_size %u", chance_pick(chance, sizes));
	add(sequence, "scribble %u", !chance_once_in(chance, 8));
	if (chance_once_in(chance, 4))
		add_strike(sequence, chance);
	if (chance_once_in(chance, 2))
		add_target(sequence, chance);
	add(sequence, "%splugged 1", chance_once_in(chance, 8) ? "&" : "");
}

static void add_calm(struct sequence *sequence)
{
	unsigned int i;

	add(sequence, "strike none");
	add(sequence, "num_pages_reads");
	add(sequence, "command_reads");
	add(sequence, "order kept");
	add(sequence, "used_length 0");
	add(sequence, "queue_limit 5");
	add(sequence, "ready_ms 0");
	add(sequence, "notice_ms 0");
	for (i = 0; i < 5; i++)
		add(sequence, "answer_%s %s", queues[i], i == 2 ? "never" : "at-once");
}

/* A device that is silent to the end costs seconds, and loading takes long: now and then. */
static void add_end(struct sequence *sequence, struct chance *chance)
{
	static const char * const ends[] = { "plugged 0", "plugged surprise", "unbind" };

	if (!chance_once_in(chance, 24))
		add_calm(sequence);
	add(sequence, "%s", chance_once_in(chance, 24) ? "unload" : chance_pick(chance, ends));
}

static void make_sequence(struct sequence *sequence, uint64_t seed)
{
	struct chance chance = { seed };
	unsigned int count;

	sequence->count = 0;
	add_device(sequence, &chance);
	count = MIDDLE_STEPS_MIN + chance_below(&chance, MIDDLE_STEPS_MAX - MIDDLE_STEPS_MIN + 1);
	while (count--)
		chance_pick(&chance, middle)(sequence, &chance);
	if (chance_once_in(&chance, 16))
		add_reload(sequence, &chance);
	add_end(sequence, &chance);
}

#endif
