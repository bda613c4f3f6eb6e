// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl events: the module's event stream, a line an event, until told to stop. */
#define _GNU_SOURCE 1 /* asprintf, ppoll */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/plural.h"
#include "cmd.h"
#include "cmd_events.h"
#include "os/ends.h"
#include "os/file.h"
#include "os/module.h"
#include "out/bytes.h"

#define NS 1000000000ULL
#define DURATION_MAX 1e9 /* seconds */

static const char usage[] =
	"Usage: gomemctl events [-p PID]... [-k KINDS] [--json] [-n COUNT] [--duration SECONDS]\n\n"
	"What happens to the memory of the module's targets, as it happens, a line an event:\n"
	"when, in which process, by which thread, on which CPU, what, where, how much. -p: only\n"
	"of these targets, as long as one of them lives. -k: only these kinds, as in\n"
	"-k anon_fault,zap. Ends after COUNT events, after so many seconds, or by Ctrl-C, and\n"
	"says on standard error how many of each kind there were, and how many were lost\n"
	"because they came too fast.\n\n"
	"Kinds:";

enum { OPTION_JSON = 256, OPTION_DURATION };

static const struct option long_options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "kinds", required_argument, NULL, 'k' },
	{ "count", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "duration", required_argument, NULL, OPTION_DURATION },
	{},
};

/* What was asked for. @base.sources: none for all; @kinds: NULL for all; @count, @duration_ns:
 * UINT64_MAX for no end.
 */
struct settings {
	struct gm_options base;
	const char *kinds;
	uint64_t count;
	uint64_t duration_ns;
};

/* What was shown. @clock_ns: from the events' clock to the time of day. */
struct totals {
	uint64_t events;
	uint64_t lost;
	uint64_t clock_ns;
	struct {
		uint64_t count;
		uint64_t bytes;
	} kinds[GOMEM_KINDS_MAX];
};

static volatile sig_atomic_t is_stopped;

static void on_stop(int number)
{
	(void)number;
	is_stopped = 1;
}

static void print_usage(void)
{
	size_t column = 80;

	fputs(usage, stdout);
	for (unsigned int kind = 0; kind < GOMEM_KINDS_MAX; kind++) {
		const char *name = gm_event_kind_name(kind);

		column += strlen(name) + 1;
		if (column > 78) {
			fputs("\n ", stdout);
			column = strlen(name) + 2;
		}
		printf(" %s", name);
	}
	putchar('\n');
}

static bool parse_count(const char *text, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !errno && !*end && *count;
}

static bool parse_duration(const char *text, uint64_t *ns)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0 && seconds <= DURATION_MAX))
		return false;
	*ns = seconds * NS;
	return true;
}

/* True: go on with the next option. False: @exit_code is set. */
static bool take_option(struct settings *settings, int option, char **argv, int *exit_code)
{
	const char *why = "unknown option ";

	switch (option) {
	case 'h':
		print_usage();
		*exit_code = GM_EXIT_DONE;
		return false;
	case 'p':
		why = "not a pid: ";
		if (gm_options_add_pid(&settings->base, optarg))
			return true;
		break;
	case 'k':
		why = "not kinds of event, or not all of it: ";
		settings->kinds = optarg;
		if (gm_event_kinds_valid(optarg))
			return true;
		break;
	case 'n':
		why = "not a count: ";
		if (parse_count(optarg, &settings->count))
			return true;
		break;
	case OPTION_DURATION:
		why = "not a number of seconds: ";
		if (parse_duration(optarg, &settings->duration_ns))
			return true;
		break;
	case OPTION_JSON:
		settings->base.format = GM_OUT_JSON;
		return true;
	case ':':
		why = "an argument is missing after ";
		/* fallthrough */
	default:
		*exit_code = gm_cmd_misused_option(argv, why);
		return false;
	}
	*exit_code = gm_cmd_misused(argv[0], why, optarg);
	return false;
}

static bool parse(struct settings *settings, int argc, char **argv, int *exit_code)
{
	int option;

	*settings = (struct settings){ .count = UINT64_MAX, .duration_ns = UINT64_MAX };
	optind = 0; /* getopt_long() starts anew: glibc's way to say so */
	while ((option = getopt_long(argc, argv, "+:p:k:n:h", long_options, NULL)) >= 0) {
		if (!take_option(settings, option, argv, exit_code))
			return false;
	}
	if (optind == argc)
		return true;
	*exit_code = gm_cmd_misused(argv[0], "unexpected argument ", argv[optind]);
	return false;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS + now.tv_nsec;
}

static bool is_wanted(const struct settings *settings, const struct gomem_event *event)
{
	if (settings->base.sources.count < 2 || event->kind == GOMEM_KIND_lost)
		return true;
	for (size_t i = 0; i < settings->base.sources.count; i++) {
		if (settings->base.sources.items[i].pid == (pid_t)event->pid)
			return true;
	}
	return false;
}

static void count(struct totals *totals, const struct gomem_event *event)
{
	if (event->kind == GOMEM_KIND_lost) {
		totals->lost += event->bytes;
		gm_cmd_say("events",
			   "%" PRIu64 " event%s lost on CPU %u, which came faster than they were "
			   "read; narrow it by -k or -p",
			   (uint64_t)event->bytes, gm_plural(event->bytes), event->cpu);
		return;
	}
	totals->events++;
	totals->kinds[event->kind].count++;
	totals->kinds[event->kind].bytes += event->bytes;
}

static struct gm_error *show(const struct settings *settings, struct totals *totals,
			     const struct gm_events *events)
{
	struct gm_error *error = NULL;

	totals->clock_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; !error && i < events->count && totals->events < settings->count; i++) {
		const struct gomem_event *event = &events->items[i];

		if (!is_wanted(settings, event))
			continue;
		count(totals, event);
		error = gm_events_print(event, totals->clock_ns, settings->base.format);
	}
	fflush(stdout);
	return error;
}

/* Until something is to be read, a process ended, @end_ns comes or a signal, which comes only
 * here. Not at all where the last process asked for has ended.
 */
static void wait_for_more(struct gm_ends *ends, uint64_t end_ns, const sigset_t *signals)
{
	uint64_t now_ns = gm_clock_ns(), left_ns = end_ns > now_ns ? end_ns - now_ns : 0;
	struct timespec left = { left_ns / NS, left_ns % NS };

	if (gm_ends_all(ends))
		return;
	gm_ends_wait(ends, end_ns == UINT64_MAX ? NULL : &left, signals);
	for (pid_t pid = gm_ends_next(ends); pid; pid = gm_ends_next(ends))
		gm_cmd_say("events", "process %d has ended", (int)pid);
}

static bool any_wanted(const struct settings *settings, const struct gm_events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		if (is_wanted(settings, &events->items[i]))
			return true;
	}
	return false;
}

static struct gm_error *follow(const struct settings *settings, struct gm_ends *ends, int fd,
			       struct totals *totals, const sigset_t *signals)
{
	static struct gm_events events;
	struct gm_error *error = NULL;
	bool is_last = false;
	uint64_t end_ns;

	if (__builtin_add_overflow(gm_clock_ns(), settings->duration_ns, &end_ns))
		end_ns = UINT64_MAX;
	gm_events_print_title(settings->base.format);
	fflush(stdout);
	while (!error && !is_stopped && !is_last && totals->events < settings->count &&
	       gm_clock_ns() < end_ns && !ferror(stdout)) {
		wait_for_more(ends, end_ns, signals);
		error = gm_events_read(fd, &events);
		is_last = gm_ends_all(ends) && !any_wanted(settings, &events);
		if (!error)
			error = show(settings, totals, &events);
	}
	return error;
}

static void summarize(const struct totals *totals)
{
	char size[GM_OUT_BYTES_MAX];

	gm_cmd_say("events", "%" PRIu64 " event%s, %" PRIu64 " lost", totals->events,
		   gm_plural(totals->events), totals->lost);
	for (unsigned int kind = 0; kind < GOMEM_KINDS_MAX; kind++) {
		if (totals->kinds[kind].count)
			fprintf(stderr, "%12" PRIu64 " %-13s %9s\n", totals->kinds[kind].count,
				gm_event_kind_name(kind),
				gm_out_bytes(totals->kinds[kind].bytes, size));
	}
}

/* Nobody waits in vain without having been told. */
static struct gm_error *say_no_target(const struct settings *settings, struct gm_module *module)
{
	struct gm_module_targets targets = {};
	struct gm_error *error = gm_module_read_targets(module, &targets);

	if (!error && !targets.count && !settings->base.sources.count)
		gm_cmd_say("events", "the module has no targets yet: gomemctl watch PID");
	if (!error)
		gm_cmd_say_unwatched("events", &settings->base, &targets);
	gm_module_targets_deinit(&targets);
	return error;
}

/* One process the module picks; where there are several, all come and is_wanted() picks. */
static struct gm_error *open_stream(const struct settings *settings, int *fd)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	gm_autofree char *words = NULL;
	struct gm_error *error = gm_module_open(NULL, &module);
	char pid[24] = "";

	if (!error)
		error = say_no_target(settings, module);
	if (error)
		return error;
	if (settings->base.sources.count == 1)
		snprintf(pid, sizeof(pid), "pid=%d ", (int)settings->base.sources.items[0].pid);
	if (asprintf(&words, "%s%s%s", pid, settings->kinds ? "kinds=" : "",
		     settings->kinds ? settings->kinds : "") < 0) {
		words = NULL;
		return gm_error_create(ENOMEM, "out of memory");
	}
	return gm_module_open_events(module, words, fd);
}

/* SIGINT and SIGTERM wait until we do; @before: what ppoll() lets in. */
static void catch_stop(sigset_t *before)
{
	const struct sigaction action = { .sa_handler = on_stop };
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, before);
	sigdelset(before, SIGINT);
	sigdelset(before, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* What they did last is in the stream before they have ended. */
static struct gm_error *watch_ends(const struct settings *settings, struct gm_ends *ends)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < settings->base.sources.count && !error; i++)
		error = gm_ends_add(ends, settings->base.sources.items[i].pid);
	return error;
}

static struct gm_error *run(const struct settings *settings)
{
	gm_autoclose int fd = -1;
	struct totals totals = {};
	struct gm_ends ends = {};
	struct gm_error *error = open_stream(settings, &fd);
	sigset_t signals;

	if (!error)
		error = gm_ends_init(&ends, fd);
	if (!error)
		error = watch_ends(settings, &ends);
	if (!error) {
		catch_stop(&signals);
		error = follow(settings, &ends, fd, &totals, &signals);
	}
	if (!error)
		summarize(&totals);
	gm_ends_deinit(&ends);
	return error;
}

int gm_cmd_events(int argc, char **argv)
{
	struct settings settings;
	struct gm_error *error;
	int exit_code;

	if (parse(&settings, argc, argv, &exit_code)) {
		error = run(&settings);
		exit_code = error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
	}
	gm_options_deinit(&settings.base);
	return exit_code;
}
