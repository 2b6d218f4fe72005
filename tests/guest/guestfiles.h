/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program in a test guest reads and writes there: the emulated device's controls,
 * the driver, and how much memory is free.
 */
#ifndef AEROSTAT_GUEST_GUESTFILES_H
#define AEROSTAT_GUEST_GUESTFILES_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONTROLS "/sys/kernel/debug/balloon_device/"
#define PARENT "/sys/devices/platform/balloon_device/"
#define DRIVER "/sys/bus/virtio/drivers/virtio_balloon/"
#define MODULE "/lib/aerostat/virtio_balloon.ko"
#define FLAG_OFFLINE 23

/* Returns 0, or what went wrong. */
static inline int write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY), error = 0;

	if (file < 0)
		return errno;
	if (write(file, text, strlen(text)) < 0)
		error = errno;
	close(file);
	return error;
}

static inline int write_control(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), CONTROLS "%s", name);
	return write_file(path, text);
}

/* What a file begins with; "" if it can't be read. */
static inline const char *read_file(const char *path)
{
	static char text[16384];
	int file = open(path, O_RDONLY);
	ssize_t length = 0, part = 1;

	while (file >= 0 && part > 0 && length < (ssize_t)sizeof(text) - 1) {
		part = read(file, text + length, sizeof(text) - 1 - length);
		length += part > 0 ? part : 0;
	}
	if (file >= 0)
		close(file);
	text[length] = '\0';
	return text;
}

static inline const char *read_control(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), CONTROLS "%s", name);
	return read_file(path);
}

static inline unsigned long read_number(const char *name)
{
	return strtoul(read_control(name), NULL, 0);
}

/* Binds the driver to the device, or takes it off; without a device nothing happens. */
static inline void write_driver(const char *file)
{
	DIR *directory = opendir(PARENT);
	struct dirent *entry;
	char path[128];

	snprintf(path, sizeof(path), DRIVER "%s", file);
	while (directory && (entry = readdir(directory)))
		if (!strncmp(entry->d_name, "virtio", 6))
			write_file(path, entry->d_name);
	if (directory)
		closedir(directory);
}

static inline bool is_loaded(void)
{
	return !access("/sys/module/virtio_balloon", F_OK);
}

static inline void unload_driver(void)
{
	syscall(SYS_delete_module, "virtio_balloon", 0);
}

static inline void load_driver(void)
{
	int file = open(MODULE, O_RDONLY);

	if (file < 0)
		return;
	syscall(SYS_finit_module, file, "", 0);
	close(file);
}

/* In KiB, with what processors keep at hand. */
static inline long free_kib(void)
{
	const char *text = read_file("/proc/meminfo");
	const char *found = strstr(text, "MemFree:");
	long free = found ? strtol(found + 8, NULL, 10) : 0;

	text = read_file("/proc/zoneinfo");
	while ((text = strstr(text, " count: ")))
		free += strtol(text += 8, NULL, 10) * 4;
	return free;
}

/* Pages that are marked as offline, as all are that a balloon holds. */
static inline long count_offline(void)
{
	static uint64_t flags[4096];
	int file = open("/proc/kpageflags", O_RDONLY);
	long count = 0;
	ssize_t length;

	while (file >= 0 && (length = read(file, flags, sizeof(flags))) > 0)
		for (size_t i = 0; i < length / sizeof(*flags); i++)
			count += flags[i] >> FLAG_OFFLINE & 1;
	if (file >= 0)
		close(file);
	return count;
}

#endif
