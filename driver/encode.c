// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Statistics to bytes. Free of kernel types.
 *
 * The rule: whole entries only, packed, in the byte order that the device expects.
 */
#include "encode.h"

static void encode_bytes(unsigned char *to, unsigned long long value, unsigned int bytes,
			 bool little_endian)
{
	unsigned int i;

	for (i = 0; i < bytes; i++) {
		unsigned int place = little_endian ? i : bytes - 1 - i;

		to[place] = (unsigned char)(value >> (8 * i));
	}
}

/**
 * encode_statistics - write statistics as the device reads them
 * @buffer: where to
 * @size: bytes that fit into @buffer
 * @statistics: what to write, in this order
 * @count: how many
 * @little_endian: the device's byte order
 *
 * Keeps rules S6 and L3.
 *
 * Return: bytes written, a multiple of ENCODE_ENTRY_BYTES; entries that do not fit whole
 * are left out.
 */
size_t encode_statistics(unsigned char *buffer, size_t size, const struct statistic *statistics,
			 size_t count, bool little_endian)
{
	size_t written = 0;

	while (count-- && size - written >= ENCODE_ENTRY_BYTES) {
		encode_bytes(buffer + written, statistics->tag, 2, little_endian);
		encode_bytes(buffer + written + 2, statistics->value, 8, little_endian);
		written += ENCODE_ENTRY_BYTES;
		statistics++;
	}
	return written;
}
