// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bytes that the device gets for its statistics.
 *
 * Buffers are of exactly the size that the encoder is told, on the heap, so that the
 * address sanitizer sees a byte written too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "encode.h"

#define FILLED 0xee

static const struct statistic one[] = { { 0x0102, 0x1112131415161718ull } };
static const struct statistic three[] = {
	{ 4, 1ull << 30 },
	{ 5, 0xffffffffffffffffull },
	{ 15, 0 },
};

static unsigned char *filled_buffer(size_t size)
{
	unsigned char *buffer = malloc(size ? size : 1);

	assert_non_null(buffer);
	memset(buffer, FILLED, size);
	return buffer;
}

static void assert_untouched(const unsigned char *from, const unsigned char *end)
{
	for (; from < end; from++)
		assert_int_equal(*from, FILLED);
}

static unsigned long long decode(const unsigned char *from, int bytes)
{
	unsigned long long value = 0;

	while (bytes--)
		value = value << 8 | from[bytes];
	return value;
}

static void a_little_endian_device_gets_the_lowest_byte_first(void **unused)
{
	static const unsigned char expected[] = {
		0x02, 0x01, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
	};
	unsigned char *buffer = filled_buffer(sizeof(expected));

	(void)unused;
	assert_int_equal(encode_statistics(buffer, sizeof(expected), one, 1, true), 10);
	assert_memory_equal(buffer, expected, sizeof(expected));
	free(buffer);
}

static void a_big_endian_device_gets_the_highest_byte_first(void **unused)
{
	static const unsigned char expected[] = {
		0x01, 0x02, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
	};
	unsigned char *buffer = filled_buffer(sizeof(expected));

	(void)unused;
	assert_int_equal(encode_statistics(buffer, sizeof(expected), one, 1, false), 10);
	assert_memory_equal(buffer, expected, sizeof(expected));
	free(buffer);
}

static void entries_are_packed_in_the_order_given(void **unused)
{
	unsigned char *buffer = filled_buffer(3 * ENCODE_ENTRY_BYTES);
	int i;

	(void)unused;
	assert_int_equal(encode_statistics(buffer, 3 * ENCODE_ENTRY_BYTES, three, 3, true),
			 3 * ENCODE_ENTRY_BYTES);
	for (i = 0; i < 3; i++) {
		const unsigned char *entry = buffer + i * ENCODE_ENTRY_BYTES;

		assert_int_equal(decode(entry, 2), three[i].tag);
		assert_true(decode(entry + 2, 8) == three[i].value);
	}
	free(buffer);
}

static void a_short_buffer_gets_whole_entries_only(void **unused)
{
	size_t size;

	(void)unused;
	for (size = 0; size <= 3 * ENCODE_ENTRY_BYTES; size++) {
		unsigned char *buffer = filled_buffer(size);
		size_t whole = size - size % ENCODE_ENTRY_BYTES;

		assert_int_equal(encode_statistics(buffer, size, three, 3, true), whole);
		assert_untouched(buffer + whole, buffer + size);
		free(buffer);
	}
}

static void what_a_larger_buffer_has_left_is_not_touched(void **unused)
{
	const size_t size = 5 * ENCODE_ENTRY_BYTES;
	unsigned char *buffer = filled_buffer(size);

	(void)unused;
	assert_int_equal(encode_statistics(buffer, size, three, 3, true),
			 3 * ENCODE_ENTRY_BYTES);
	assert_untouched(buffer + 3 * ENCODE_ENTRY_BYTES, buffer + size);
	free(buffer);
}

static void no_entries_are_no_bytes(void **unused)
{
	unsigned char *buffer = filled_buffer(ENCODE_ENTRY_BYTES);

	(void)unused;
	assert_int_equal(encode_statistics(buffer, ENCODE_ENTRY_BYTES, three, 0, true), 0);
	assert_int_equal(encode_statistics(buffer, ENCODE_ENTRY_BYTES, NULL, 0, false), 0);
	assert_untouched(buffer, buffer + ENCODE_ENTRY_BYTES);
	free(buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_little_endian_device_gets_the_lowest_byte_first),
		cmocka_unit_test(a_big_endian_device_gets_the_highest_byte_first),
		cmocka_unit_test(entries_are_packed_in_the_order_given),
		cmocka_unit_test(a_short_buffer_gets_whole_entries_only),
		cmocka_unit_test(what_a_larger_buffer_has_left_is_not_touched),
		cmocka_unit_test(no_entries_are_no_bytes),
	};

	return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
