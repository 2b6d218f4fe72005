// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Statistics to bytes: any tags and values, into buffers of any length and alignment.
 *
 * The rule: the bytes are those that the C library makes of the same figures, as many
 * whole entries as fit, and nothing else is written.
 */
#include <endian.h>
#include <string.h>

#include "encode.h"
#include "fuzz.h"

#define FILLED 0xee
#define MOST_ENTRIES 24
#define MOST_BYTES ((MOST_ENTRIES + 2) * 10)

static void expect_entry(const unsigned char *entry, const struct statistic *statistic,
			 bool little_endian)
{
	unsigned short tag = little_endian ? htole16(statistic->tag) : htobe16(statistic->tag);
	unsigned long long value = little_endian ? htole64(statistic->value) :
						   htobe64(statistic->value);

	demand(!memcmp(entry, &tag, 2), "the tag is in the device's byte order");
	demand(!memcmp(entry + 2, &value, 8), "the value is in the device's byte order");
}

static void expect_untouched(const unsigned char *from, const unsigned char *end)
{
	for (; from < end; from++)
		demand(*from == FILLED, "nothing else is written");
}

static void encode_and_look(const struct statistic *statistics, size_t count, size_t size,
			    size_t offset, bool little_endian)
{
	unsigned char *memory = take_memory(offset + size);
	unsigned char *buffer = memory + offset;
	size_t i, written, whole = size / 10 < count ? size / 10 : count;

	memset(memory, FILLED, offset + size);
	written = encode_statistics(buffer, size, statistics, count, little_endian);
	demand(written == whole * 10, "as many whole entries are written as fit");
	for (i = 0; i < whole; i++)
		expect_entry(buffer + i * 10, &statistics[i], little_endian);
	expect_untouched(memory, buffer);
	expect_untouched(buffer + written, buffer + size);
	free(memory);
}

int fuzz_one(const unsigned char *data, size_t size)
{
	struct input input = input_of(data, size);
	unsigned int form = (unsigned int)input_take(&input, 1);
	size_t i, count = input_take(&input, 1) % (MOST_ENTRIES + 1);
	size_t room = input_take(&input, 2) % (MOST_BYTES + 1);
	struct statistic *statistics = take_memory(count * sizeof(*statistics));

	for (i = 0; i < count; i++) {
		statistics[i].tag = (unsigned short)input_take(&input, 2);
		statistics[i].value = input_take(&input, 8);
	}
	encode_and_look(statistics, count, room, form / 2 % 8, form % 2);
	free(statistics);
	return 0;
}
