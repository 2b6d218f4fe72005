// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * adversary run SEED COUNT: plays that many sequences of steps against the driver, one seed
 *                           after the other, and prints a line for each hundred.
 * adversary replay SEED     plays one and prints each step before it is taken
 * adversary play FILE       plays the steps in a file
 * adversary show SEED       prints the steps of one
 *
 * A seed stands for the same steps always. After each sequence the device is taken out, and
 * all must be as before: no rule was broken, nothing is the host's, no page is missing. A
 * fault is printed with the seed and its steps, and ends the program with status 1. In the
 * environment KEPT_KIB says how much the kernel may keep back that was freed.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "guestfiles.h"
#include "memory.h"
#include "sequence.h"

#define STEP_SECONDS 60
#define AWAIT_SECONDS 15
#define CHILDREN_MAX 12
#define LOST_KIB (2 * 1024)
#define COUNT_PAGES_EVERY 20
#define GOOD_DEVICE_EVERY 10
#define GOOD_PAGES 2048
#define REPORT_EVERY 100
#define EXIT_FAULT 1
#define EXIT_WRONG 3
#define EXIT_NOT_UNDERSTOOD 4

/* What the watching process sees of the one that plays. */
struct progress {
	volatile uint64_t seed;
	volatile unsigned int beats;
	volatile bool verbose;
	char step[STEP_BYTES];
};

#define COSTS_MAX 64

/* How long all steps of one kind took. */
struct cost {
	char name[24];
	double seconds;
};

static struct progress *progress;
static struct cost costs[COSTS_MAX];
static struct sequence sequence;
static unsigned int children;
static long free_before, offline_before;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void pause_ms(unsigned int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&time, NULL);
}

static void say_step(const char *text)
{
	snprintf(progress->step, sizeof(progress->step), "%s", text);
	progress->beats++;
	if (progress->verbose) {
		printf("  %s\n", text);
		fflush(stdout);
	}
}

static void print_fault(const char *what)
{
	printf("adversary: fault in seed %llu: %s\n", (unsigned long long)progress->seed, what);
	for (unsigned int i = 0; i < sequence.count; i++)
		printf("  %s\n", sequence.steps[i]);
	fflush(stdout);
}

__attribute__((noreturn, format(printf, 1, 2)))
static void fault(const char *format, ...)
{
	char what[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	print_fault(what);
	exit(EXIT_FAULT);
}

/* Uses memory for a while, and looks whether anybody else did meanwhile. */
static void hog(unsigned int mib, unsigned int ms)
{
	size_t words = mib * MIB / sizeof(uint64_t), step = PAGE_BYTES / sizeof(uint64_t);
	uint64_t *memory = (uint64_t *)map_memory(mib * MIB);

	write_file("/proc/self/oom_score_adj", "1000");
	for (size_t i = 0; i < words; i += step) {
		if (memory[i + 1] || memory[i + step - 1])
			_exit(EXIT_WRONG);
		memory[i] = i ^ getpid();
	}
	pause_ms(ms);
	for (size_t i = 0; i < words; i += step)
		if (memory[i] != (i ^ getpid()) || memory[i + 1])
			_exit(EXIT_WRONG);
}

static int take_control_step(const char *text)
{
	char name[STEP_BYTES];
	const char *value = strchr(text, ' ');

	snprintf(name, sizeof(name), "%s", text);
	if (value)
		name[value++ - text] = '\0';
	return write_control(name, value ? value : "\n");
}

/* Returns EINVAL for what nobody understands; a device may refuse or be gone otherwise. */
static int take_step(const char *text)
{
	unsigned int first = 0, second = 0;

	if (sscanf(text, "sleep %u", &first) == 1)
		pause_ms(first);
	else if (sscanf(text, "hog %u %u", &first, &second) == 2)
		hog(first, second);
	else if (!strcmp(text, "compact"))
		write_file("/proc/sys/vm/compact_memory", "1");
	else if (!strcmp(text, "bind") || !strcmp(text, "unbind"))
		write_driver(text);
	else if (!strcmp(text, "load"))
		load_driver();
	else if (!strcmp(text, "unload"))
		unload_driver();
	else
		return take_control_step(text);
	return 0;
}

static void judge_child(int status)
{
	children--;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_WRONG)
		fault("memory of a program changed");
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_UNDERSTOOD)
		fault("a step in the background was not understood");
}

static void wait_children(unsigned int most)
{
	int status;

	while (children > most && waitpid(-1, &status, 0) > 0)
		judge_child(status);
}

static void start_step(const char *text)
{
	wait_children(CHILDREN_MAX - 1);
	fflush(stdout);
	if (!fork())
		_exit(take_step(text) == EINVAL ? EXIT_NOT_UNDERSTOOD : 0);
	children++;
}

/* What a kind of step has cost so far. */
static void count_cost(const char *text, double seconds)
{
	size_t length = strcspn(text, " ");
	struct cost *cost = costs;

	while (*cost->name && (strncmp(cost->name, text, length) || cost->name[length]))
		if (++cost == costs + COSTS_MAX)
			return;
	snprintf(cost->name, sizeof(cost->name), "%.*s", (int)length, text);
	cost->seconds += seconds;
}

static void play_step(const char *text)
{
	double begun = now();

	say_step(text);
	if (*text == '&')
		start_step(text + 1);
	else if (take_step(text) == EINVAL)
		fault("not understood: %s", text);
	count_cost(text, now() - begun);
}

static void play_steps(const struct sequence *steps)
{
	for (unsigned int i = 0; i < steps->count; i++)
		play_step(steps->steps[i]);
}

static void make_calm(void)
{
	struct sequence calm = { 0 };

	add_calm(&calm);
	for (unsigned int i = 0; i < calm.count; i++)
		take_step(calm.steps[i]);
}

static void leave_device(void)
{
	double begun = now(), until = begun + AWAIT_SECONDS;

	say_step("(all steps in the background end)");
	wait_children(0);
	count_cost("(background)", now() - begun);
	begun = now();
	say_step("(the device is taken out)");
	while (write_control("plugged", "0") || read_number("plugged")) {
		if (now() > until)
			fault("the device can't be taken out");
		pause_ms(1);
	}
	make_calm();
	if (!is_loaded())
		load_driver();
	count_cost("(leaving)", now() - begun);
}

static void await_control(const char *name, unsigned long wanted)
{
	double until = now() + AWAIT_SECONDS;

	while (read_number(name) != wanted) {
		if (now() > until)
			fault("with a good device afterwards, %s is %lu instead of %lu", name,
			      read_number(name), wanted);
		pause_ms(1);
	}
}

/* By frame numbers and by ranges in turn. */
static void try_good_device(void)
{
	static unsigned int turn;

	say_step("(a good device afterwards)");
	write_control("features", turn++ % 2 ? "100000024" : "100000004");
	write_control("queue_size", "128");
	write_control("scribble", "1");
	write_control("num_pages", "0");
	write_control("plugged", "1");
	write_control("num_pages", "2048");
	await_control("actual", GOOD_PAGES);
	write_control("num_pages", "0");
	await_control("actual", 0);
	leave_device();
}

static void check_free(void)
{
	double until = now() + AWAIT_SECONDS;
	const char *kept = getenv("KEPT_KIB");
	long lost, most = LOST_KIB + (kept ? atol(kept) : 0);

	while ((lost = free_before - free_kib()) > most) {
		if (now() > until)
			fault("%ld KiB of memory are not free again", lost);
		write_file("/proc/sys/vm/drop_caches", "3");
		pause_ms(100);
	}
}

static void check_offline(void)
{
	long more = count_offline() - offline_before;

	if (more > 0)
		fault("%ld pages are still marked as a balloon's, from this sequence or one of the %d before",
		      more, COUNT_PAGES_EVERY - 1);
}

static void check_all(bool closely)
{
	const char *violations = read_control("violations");

	if (*violations)
		fault("%s", violations);
	if (read_number("owned"))
		fault("the host owns %lu pages", read_number("owned"));
	check_free();
	if (closely)
		check_offline();
}

static void note_in_log(void)
{
	char text[64];

	snprintf(text, sizeof(text), "adversary: seed %llu", (unsigned long long)progress->seed);
	write_file("/dev/kmsg", text);
}

static void print_costs(void)
{
	printf("adversary: seconds by step:");
	for (struct cost *cost = costs; cost < costs + COSTS_MAX && *cost->name; cost++)
		if (cost->seconds >= 0.1)
			printf(" %s %.1f", cost->name, cost->seconds);
	printf("\n");
}

static void play_seed(uint64_t seed, bool closely)
{
	double begun;

	progress->seed = seed;
	make_sequence(&sequence, seed);
	note_in_log();
	play_steps(&sequence);
	leave_device();
	begun = now();
	check_all(closely);
	count_cost("(checks)", now() - begun);
}

static void measure_before(void)
{
	write_file("/sys/kernel/rcu_expedited", "1");
	make_calm();
	write_control("log", "clear");
	leave_device();
	for (int i = 0; i < 4; i++)
		try_good_device();
	write_file("/proc/sys/vm/drop_caches", "3");
	free_before = free_kib();
	offline_before = count_offline();
}

static void run(uint64_t first, unsigned long count)
{
	double begun = now();

	for (unsigned long i = 1; i <= count; i++) {
		play_seed(first + i - 1, i % COUNT_PAGES_EVERY == 0 || i == count);
		if (i % GOOD_DEVICE_EVERY == 0)
			try_good_device();
		if (i % REPORT_EVERY == 0 || i == count) {
			printf("adversary: %lu sequences in %.1f s\n", i, now() - begun);
			fflush(stdout);
		}
	}
	print_costs();
}

static void play_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[STEP_BYTES];

	if (!file)
		die(path);
	while (fgets(line, sizeof(line), file))
		add(&sequence, "%s", line + strspn(line, " "));
	for (unsigned int i = 0; i < sequence.count; i++)
		sequence.steps[i][strcspn(sequence.steps[i], "\n")] = '\0';
	fclose(file);
	play_steps(&sequence);
	leave_device();
	check_all(true);
}

static void show(uint64_t seed)
{
	make_sequence(&sequence, seed);
	for (unsigned int i = 0; i < sequence.count; i++)
		printf("%s\n", sequence.steps[i]);
}

static int act(char **words, int count)
{
	uint64_t seed = count > 2 ? strtoull(words[2], NULL, 0) : 0;

	progress->verbose = !strcmp(words[1], "replay") || !strcmp(words[1], "play");
	write_file("/proc/self/oom_score_adj", "-1000");
	measure_before();
	if (!strcmp(words[1], "run"))
		run(seed, parse_count(words[3]));
	else if (!strcmp(words[1], "replay"))
		play_seed(seed, true);
	else
		play_file(words[2]);
	try_good_device();
	printf("adversary: all is well\n");
	return 0;
}

/* Returns the playing process' exit status; 1 when a step of it does not end. */
static int watch(pid_t player)
{
	unsigned int beats = 0;
	double since = now();
	int status;

	while (!waitpid(player, &status, WNOHANG)) {
		if (beats != progress->beats) {
			beats = progress->beats;
			since = now();
		}
		if (now() - since > STEP_SECONDS) {
			make_sequence(&sequence, progress->seed);
			write_file("/proc/sysrq-trigger", "w");
			printf("at step: %s\n", progress->step);
			print_fault("a step does not end");
			return EXIT_FAULT;
		}
		pause_ms(20);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAULT;
}

static bool is_understood(char **words, int count)
{
	static const char * const others[] = { "replay", "play", "show" };

	if (count == 4)
		return !strcmp(words[1], "run");
	for (unsigned int i = 0; count == 3 && i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(words[1], others[i]))
			return true;
	return false;
}

int main(int count, char **words)
{
	pid_t player;

	if (!is_understood(words, count)) {
		fprintf(stderr, "usage: adversary run SEED COUNT, replay SEED, play FILE or show SEED\n");
		return 2;
	}
	if (!strcmp(words[1], "show")) {
		show(strtoull(words[2], NULL, 0));
		return 0;
	}
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		die("adversary");
	player = fork();
	if (!player)
		exit(act(words, count));
	return watch(player);
}
