// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shows where the memory of this guest is: what its balloon has lent to the host.
 *
 * The rule: it reads what the driver shows in sysfs and the kernel in /proc/meminfo, and
 * adds nothing of its own. Without a balloon, or with another driver, it says so.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICES "/sys/bus/virtio/devices"
#define DRIVER "/sys/bus/virtio/drivers/virtio_balloon"
#define VERSION_FILE "/sys/module/virtio_balloon/version"
#define BALLOON_DEVICE 5
#define DEFLATE_ON_OOM 2
#define LONGEST_INTERVAL 86400
#define HEADING_EVERY 20
#define TEXT 256

enum { EXIT_NO_BALLOON = 1, EXIT_USAGE = 2 };

/* The driver's files that hold numbers, in the order of struct balloon.figures. */
static const char *const names[] = {
	"target", "actual", "held_as_blocks", "held_as_pages", "named", "requests_unanswered",
	"inflated", "deflated", "taken_back", "migrated", "reported", "hinted", "refused",
};

enum figure {
	TARGET, ACTUAL, BLOCKS, PAGES, NAMED, UNANSWERED,
	INFLATED, DEFLATED, TAKEN_BACK, MIGRATED, REPORTED, HINTED, REFUSED, FIGURES
};

struct balloon {
	char device[TEXT];
	char version[TEXT];
	char state[TEXT];
	char way[TEXT];
	double state_seconds;
	uint64_t machine;
	uint64_t available;
	bool returns_on_oom;
	uint64_t figures[FIGURES];
};

struct options {
	const char *device;
	bool json;
	unsigned long interval;
	unsigned long count;
};

/* Reading */

static bool read_text(const char *path, char *text)
{
	FILE *file = fopen(path, "r");
	bool read;

	if (!file)
		return false;
	read = fgets(text, TEXT, file);
	fclose(file);
	if (read)
		text[strcspn(text, "\n")] = '\0';
	return read;
}

static bool read_attribute(const char *device, const char *name, char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, name);
	return read_text(path, text);
}

static bool read_figure(const char *device, const char *name, uint64_t *figure)
{
	char file[TEXT], text[TEXT], *end;

	snprintf(file, sizeof(file), "balloon/%s", name);
	if (!read_attribute(device, file, text))
		return false;
	*figure = strtoull(text, &end, 10);
	return end != text;
}

static uint64_t read_meminfo(const char *name)
{
	char line[TEXT];
	uint64_t kib = 0;
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			kib = strtoull(line + strlen(name) + 1, NULL, 10);
	}
	if (file)
		fclose(file);
	return kib << 10;
}

static double now_after_boot(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Returns false if the device has gone, or has another driver. */
static bool read_balloon(struct balloon *balloon)
{
	char features[TEXT] = "", since[TEXT];
	int i;

	for (i = 0; i < FIGURES; i++)
		if (!read_figure(balloon->device, names[i], &balloon->figures[i]))
			return false;
	if (!read_attribute(balloon->device, "balloon/state", balloon->state) ||
	    !read_attribute(balloon->device, "balloon/way", balloon->way) ||
	    !read_attribute(balloon->device, "balloon/state_since", since) ||
	    !read_text(VERSION_FILE, balloon->version))
		return false;
	balloon->state_seconds = now_after_boot() - strtod(since, NULL);
	read_attribute(balloon->device, "features", features);
	balloon->returns_on_oom = strlen(features) > DEFLATE_ON_OOM &&
				  features[DEFLATE_ON_OOM] == '1';
	balloon->available = read_meminfo("MemAvailable");
	balloon->machine = read_meminfo("MemTotal");
	if (!balloon->returns_on_oom)
		balloon->machine += balloon->figures[BLOCKS] + balloon->figures[PAGES];
	return true;
}

/* Finding */

static bool is_balloon(const char *device)
{
	char text[TEXT];

	return read_attribute(device, "device", text) && strtoul(text, NULL, 0) == BALLOON_DEVICE;
}

static bool has_driver(const char *device)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DRIVER "/%s", device);
	return !access(path, F_OK);
}

static void complain(const char *device)
{
	if (!device)
		fputs("This machine has no memory balloon: its host has given it none.\n", stderr);
	else if (has_driver(device))
		fprintf(stderr,
			"%s is a memory balloon, but its driver is not Aerostat: the driver shipped with Linux has nothing to show.\n",
			device);
	else
		fprintf(stderr,
			"%s is a memory balloon that no driver uses. Try \"modprobe virtio_balloon\" as root; then dmesg says more.\n",
			device);
}

/* Finds the device that is asked for, or the first balloon. Returns false if there is none. */
static bool find_balloon(const char *wanted, struct balloon *balloon)
{
	char found[TEXT] = "";
	glob_t devices;
	size_t i;

	if (glob(DEVICES "/virtio*", 0, NULL, &devices))
		devices.gl_pathc = 0;
	for (i = 0; i < devices.gl_pathc; i++) {
		const char *name = strrchr(devices.gl_pathv[i], '/') + 1;

		if ((wanted && strcmp(wanted, name)) || !is_balloon(name))
			continue;
		snprintf(balloon->device, sizeof(balloon->device), "%s", name);
		if (read_balloon(balloon)) {
			globfree(&devices);
			return true;
		}
		if (!*found)
			snprintf(found, sizeof(found), "%s", name);
	}
	globfree(&devices);
	if (wanted && !*found)
		fprintf(stderr, "%s is not a memory balloon of this machine.\n", wanted);
	else
		complain(*found ? found : NULL);
	return false;
}

/* Telling */

static const char *in_words(uint64_t bytes, char *text)
{
	if (bytes >= 1ull << 30)
		snprintf(text, TEXT, "%.1f GiB", bytes / (double)(1ull << 30));
	else
		snprintf(text, TEXT, "%.0f MiB", bytes / (double)(1ull << 20));
	return text;
}

static const char *time_in_words(double seconds, char *text)
{
	if (seconds < 120)
		snprintf(text, TEXT, "%.0f s", seconds);
	else if (seconds < 7200)
		snprintf(text, TEXT, "%.0f min", seconds / 60);
	else
		snprintf(text, TEXT, "%.0f h", seconds / 3600);
	return text;
}

static void tell_target(const struct balloon *balloon)
{
	char text[TEXT];
	uint64_t target = balloon->figures[TARGET], actual = balloon->figures[ACTUAL];

	if (target == actual)
		puts("The host asked for just that.");
	else if (target > actual)
		printf("The host asked for %s more.\n", in_words(target - actual, text));
	else
		printf("%s of it is to come back.\n", in_words(actual - target, text));
}

static void tell_report(const struct balloon *balloon)
{
	const uint64_t *figures = balloon->figures;
	char a[TEXT], b[TEXT], c[TEXT];

	printf("%s of this machine's %s is lent to the host (%s, Aerostat %s).\n",
	       in_words(figures[ACTUAL], a), in_words(balloon->machine, b), balloon->device,
	       balloon->version);
	tell_target(balloon);
	printf("Programs here can still have %s%s.\n", in_words(balloon->available, a),
	       balloon->returns_on_oom ? ", and take more back from the balloon in need" : "");
	printf("State: %s, for %s.\n", balloon->state, time_in_words(balloon->state_seconds, a));
	printf("Held: %s in whole blocks, %s in single pages; memory goes to the host by %s.\n",
	       in_words(figures[BLOCKS], a), in_words(figures[PAGES], b), balloon->way);
	printf("So far: %s lent, %s came back, %s of it in need.\n",
	       in_words(figures[INFLATED], a), in_words(figures[DEFLATED], b),
	       in_words(figures[TAKEN_BACK], c));
	printf("Free memory: %s reported to the host, %s hinted to migrations.\n",
	       in_words(figures[REPORTED], a), in_words(figures[HINTED], b));
	if (figures[UNANSWERED] && !strcmp(balloon->state, "device not answering"))
		printf("The device owes %llu answers: look at the host.\n",
		       (unsigned long long)figures[UNANSWERED]);
}

static void tell_json(const struct balloon *balloon)
{
	int i;

	printf("{\"device\": \"%s\", \"version\": \"%s\", \"way\": \"%s\", ",
	       balloon->device, balloon->version, balloon->way);
	printf("\"state\": \"%s\", \"state_seconds\": %.3f, \"deflates_on_oom\": %s, ",
	       balloon->state, balloon->state_seconds,
	       balloon->returns_on_oom ? "true" : "false");
	printf("\"machine\": %llu, \"available\": %llu",
	       (unsigned long long)balloon->machine, (unsigned long long)balloon->available);
	for (i = 0; i < FIGURES; i++)
		printf(", \"%s\": %llu", names[i], (unsigned long long)balloon->figures[i]);
	puts("}");
}

static void tell_heading(void)
{
	puts("----------- MiB ------------  ----------------- MiB/s -----------------");
	puts(" target  actual blocks pages     in    out   oom moved report  hint  owes state");
}

static double mib_per_second(const struct balloon *before, const struct balloon *now,
			     enum figure figure, double seconds)
{
	return (double)(int64_t)(now->figures[figure] - before->figures[figure]) / (1 << 20) /
	       seconds;
}

static void tell_line(const struct balloon *before, const struct balloon *now, double seconds)
{
	static const enum figure amounts[] = { TARGET, ACTUAL, BLOCKS, PAGES };
	static const enum figure rates[] = {
		INFLATED, DEFLATED, TAKEN_BACK, MIGRATED, REPORTED, HINTED,
	};
	static const int widths[] = { 7, 7, 6, 5 }, rate_widths[] = { 6, 6, 5, 5, 6, 5 };
	size_t i;

	for (i = 0; i < sizeof(amounts) / sizeof(*amounts); i++)
		printf("%*llu ", widths[i], (unsigned long long)now->figures[amounts[i]] >> 20);
	for (i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		printf("%*.0f ", rate_widths[i], mib_per_second(before, now, rates[i], seconds));
	printf("%5llu %s\n", (unsigned long long)now->figures[UNANSWERED], now->state);
}

/* Running */

static void sleep_on(struct timespec *next, unsigned long interval)
{
	next->tv_sec += interval;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		continue;
}

static int watch(const struct options *options, struct balloon *balloon)
{
	struct balloon before = *balloon;
	struct timespec next;
	unsigned long line;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (line = 0; !options->count || line < options->count; line++) {
		sleep_on(&next, options->interval);
		if (!read_balloon(balloon)) {
			fprintf(stderr, "%s has gone.\n", balloon->device);
			return EXIT_NO_BALLOON;
		}
		if (!options->json && line % HEADING_EVERY == 0)
			tell_heading();
		if (options->json)
			tell_json(balloon);
		else
			tell_line(&before, balloon, options->interval);
		fflush(stdout);
		before = *balloon;
	}
	return EXIT_SUCCESS;
}

static void usage(FILE *where)
{
	fputs("Usage: balloonstat [--json] [--device virtioN] [interval [count]]\n"
	      "Shows what the memory balloon of this guest has lent to the host.\n\n"
	      "Without an interval, one report in words. With one, a line every so many seconds.\n\n"
	      "  -j, --json     figures in bytes, one JSON object for each report\n"
	      "  -d, --device   the balloon to look at, if there are several\n"
	      "  -h, --help     this text\n", where);
}

static bool parse_number(const char *text, const char *what, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	if (isdigit((unsigned char)*text) && !*end && !errno && *number &&
	    *number <= LONGEST_INTERVAL)
		return true;
	fprintf(stderr, "balloonstat: the %s is a number from 1 to %d, not \"%s\"\n", what,
		LONGEST_INTERVAL, text);
	return false;
}

/* Returns -1 to go on, or a status to end with. */
static int parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' }, { "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' }, { },
	};
	int option;

	while ((option = getopt_long(argc, argv, "jd:h", longs, NULL)) != -1) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'd':
			options->device = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind > 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (optind < argc && !parse_number(argv[optind], "interval", &options->interval))
		return EXIT_USAGE;
	if (optind + 1 < argc && !parse_number(argv[optind + 1], "count", &options->count))
		return EXIT_USAGE;
	return -1;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct balloon balloon = { 0 };
	int status = parse(argc, argv, &options);

	if (status >= 0)
		return status;
	if (!find_balloon(options.device, &balloon))
		return EXIT_NO_BALLOON;
	if (options.interval)
		return watch(&options, &balloon);
	if (options.json)
		tell_json(&balloon);
	else
		tell_report(&balloon);
	return EXIT_SUCCESS;
}
