// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * failnth N FILE [TEXT]: writes the text into the file, or reads it, while the kernel lets the
 * N-th allocation on the way fail. Prints "whole" if there are fewer, and else what came of
 * it. All files are open before, so that no allocation of opening them counts.
 */
#include <fcntl.h>

#include "memory.h"

static int open_file(const char *name, int how)
{
	int file = open(name, how);

	if (file < 0)
		die(name);
	return file;
}

static void set_nth(int nth, const char *text)
{
	if (pwrite(nth, text, strlen(text), 0) < 0)
		die("fail-nth");
}

/* 0 when it has failed: the kernel counts down. */
static long nth_left(int nth)
{
	char text[32] = "";

	if (pread(nth, text, sizeof(text) - 1, 0) < 0)
		die("fail-nth");
	return strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
	int nth, file, error = 0;
	char content[PAGE_BYTES];
	ssize_t done;
	long left;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: failnth N FILE [TEXT]\n");
		return 2;
	}
	parse_count(argv[1]);
	nth = open_file("/proc/self/fail-nth", O_RDWR);
	file = open_file(argv[2], argc == 4 ? O_WRONLY : O_RDONLY);
	set_nth(nth, argv[1]);
	done = argc == 4 ? write(file, argv[3], strlen(argv[3])) :
			   read(file, content, sizeof(content));
	if (done < 0)
		error = errno;
	left = nth_left(nth);
	set_nth(nth, "0");
	if (left)
		printf("whole\n");
	else
		printf("%s\n", error ? strerror(error) : "done without");
	return left && error;
}
