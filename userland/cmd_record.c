// SPDX-License-Identifier: GPL-2.0-or-later
/* gomemctl record: looks at a process again and again, and keeps each look. */
#define _GNU_SOURCE 1 /* sigaction, clock_nanosleep */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/plural.h"
#include "cmd.h"
#include "cmd_record.h"
#include "os/exec.h"
#include "os/file.h"
#include "recording/recording.h"

#define SECOND 1000000000ULL

enum { OPTION_EVERY = GM_OPTION_OWN, OPTION_FOR, OPTION_HOLDERS };

static const char usage[] =
	"Usage: gomemctl record [-p PID] -o FILE [--every TIME] [--for TIME] [--holders]\n\n"
	"Looks at a process every 10 s, or as told, until it ends, TIME has passed or Ctrl-C is\n"
	"pressed, and keeps each look in FILE, a new SQLite database: heap, goroutines, pages,\n"
	"memory map, what gomem.ko counted, the host's state. The other commands look at it with\n"
	"--from FILE, and gomemctl diff says what grew. A TIME is a number of seconds, or has a\n"
	"unit: 500ms, 10s, 5m, 2h. With --holders each look also follows the references of the\n"
	"heap, as gomemctl refs does, which takes longer.\n";

static const struct option own_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "every", required_argument, NULL, OPTION_EVERY },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "holders", no_argument, NULL, OPTION_HOLDERS },
	{},
};

/**
 * struct job - what is asked for, and how far it came
 * @duration_ns: UINT64_MAX: no end
 * @exec: what is recorded: what the program said of itself at first holds for no other
 * @known: code that the file has the names of
 * @holders: follow references each time
 */
struct job {
	const char *path;
	uint64_t every_ns;
	uint64_t duration_ns;
	struct gm_subject subject;
	struct gm_mem *recorder_mem;
	struct gm_recorder *recorder;
	struct gm_exec exec;
	struct gm_record_known known;
	bool holders;
	uint64_t samples;
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static const char *take(void *context, int option, const char *argument)
{
	struct job *job = context;

	switch (option) {
	case 'o':
		job->path = argument;
		return NULL;
	case OPTION_HOLDERS:
		job->holders = true;
		return NULL;
	case OPTION_EVERY:
		return gm_cmd_parse_time(argument, &job->every_ns) && job->every_ns ?
			       NULL :
			       "not a time above 0: ";
	default:
		return gm_cmd_parse_time(argument, &job->duration_ns) ? NULL : "not a time: ";
	}
}

static struct gm_error *no_memory(void)
{
	return gm_error_create(ENOMEM, "out of memory");
}

/* Reads the heap for the tape alone. */
static struct gm_error *read_heap(struct job *job, const struct gm_maps *maps, struct gm_tape *tape,
				  bool *torn, uint64_t *took_ns)
{
	const struct gm_go_target target = { .mem = job->recorder_mem,
					     .maps = maps,
					     .image = &job->subject.image };
	gm_auto(gm_go_heap) struct gm_go_heap *heap = NULL;
	struct gm_error *error = gm_go_heap_read(&target, &heap);
	struct gm_error *again = gm_tape_take(job->recorder_mem, tape);

	if (error || again) {
		if (error)
			gm_error_destroy(again);
		gm_tape_deinit(tape);
		return error ?: again;
	}
	*torn = heap->gc_running;
	*took_ns = heap->took_ns;
	return NULL;
}

/* A heap that cannot be read is one, too. */
static struct gm_error *keep_problem(struct gm_sample *sample, const struct gm_error *problem)
{
	sample->go_code = problem->code;
	sample->go_problem = strdup(problem->message);
	return sample->go_problem ? NULL : no_memory();
}

static struct gm_error *look_at_heap(struct job *job, struct gm_sample *sample)
{
	gm_auto(gm_error) struct gm_error *problem = NULL;

	if (job->subject.go_problem)
		return keep_problem(sample, job->subject.go_problem);
	problem = read_heap(job, sample->maps, &sample->tape, &sample->torn, &sample->spans_ns);
	if (problem)
		return keep_problem(sample, problem);
	sample->image = job->subject.image;
	return NULL;
}

static void look_again(struct job *job, struct gm_sample *sample)
{
	const struct gm_pages *pages = sample->pages;
	uint64_t took_ns;

	sample->rss_again = sample->watch.rss_bytes;
	if (!sample->watch.watched)
		gm_error_destroy(gm_pages_rss(sample->pid, pages->source, &sample->rss_again));
	if (!sample->go_problem)
		gm_error_destroy(read_heap(job, sample->maps, &sample->tape_again,
					   &sample->torn_again, &took_ns));
}

/* In the order of a report: spans, pages at once, and both again. */
static struct gm_error *look(struct job *job, struct gm_sample *sample)
{
	struct timespec now;
	struct gm_error *error;

	clock_gettime(CLOCK_REALTIME, &now);
	*sample = (struct gm_sample){
		.time_ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000,
		.pid = job->subject.pid,
	};
	error = gm_maps_read(sample->pid, &sample->maps);
	if (!error)
		error = look_at_heap(job, sample);
	if (!error)
		error = gm_pages_read(sample->pid, sample->maps, GM_PAGES_BEST, &sample->pages);
	if (!error)
		error = gm_module_watch_read(sample->pid, &sample->watch);
	if (!error)
		error = gm_module_watch_read_blocks(sample->pid, &sample->blocks);
	if (!error)
		error = gm_record_stacks(&job->subject, sample);
	if (error)
		return error;
	look_again(job, sample);
	if (!sample->go_problem)
		error = gm_record_goroutines(&job->subject, sample);
	if (!error)
		error = gm_record_codes(&job->known, sample);
	if (!error && !sample->go_problem && job->holders)
		error = gm_record_holders(&job->subject, sample);
	gm_host_read(&sample->host);
	return error ?: gm_process_read(sample->pid, &sample->process);
}

/* What the tables say comes from the tape, as whatever is said of it later. */
static struct gm_error *add(struct job *job, const struct gm_sample *sample)
{
	gm_auto(gm_go_heap) struct gm_go_heap *heap = NULL;
	gm_auto(gm_bill) struct gm_bill *bill = NULL;
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	struct gm_error *error = gm_tape_play(&sample->tape, &mem);
	const struct gm_go_target target = { mem, sample->maps, &sample->image, sample->torn };

	if (!error && !sample->go_problem)
		error = gm_go_heap_read(&target, &heap);
	if (!error)
		error = gm_bill_compute(sample->maps, sample->pages, heap, sample->rss_again,
					&bill);
	return error ?: gm_recorder_add(job->recorder, sample, heap, bill);
}

/* What was read of two programs makes no sense, and the error says nothing of why. */
static struct gm_error *look_at_exec(struct job *job, struct gm_sample *sample)
{
	struct gm_error *error = look(job, sample);
	struct gm_error *ended = gm_exec_check(&job->exec);

	if (!ended)
		return error;
	gm_error_destroy(error);
	return ended;
}

static struct gm_error *take_sample(struct job *job)
{
	struct gm_sample sample;
	struct gm_error *error = look_at_exec(job, &sample);

	if (!error)
		error = add(job, &sample);
	if (!error)
		job->samples++;
	gm_sample_deinit(&sample);
	return error;
}

static void wait_until(uint64_t when_ns)
{
	const struct timespec when = { when_ns / SECOND, when_ns % SECOND };

	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
		;
}

/* Of one sample alone: the next may be had. */
static struct gm_error *pass_over(struct gm_error *error)
{
	if (!error || error->code != EBUSY)
		return error;
	gm_cmd_say("record", "no sample now: %s", error->message);
	gm_error_destroy(error);
	return NULL;
}

/* Each at its time; those whose time passed during the one before are left out. */
static struct gm_error *take_samples(struct job *job)
{
	uint64_t begin = gm_clock_ns(), next = begin, now;
	struct gm_error *error = NULL;

	while (!stopped && !error) {
		error = take_sample(job);
		now = gm_clock_ns();
		while (next <= now)
			next += job->every_ns;
		if (next - begin > job->duration_ns)
			break;
		error = pass_over(error);
		if (!error)
			wait_until(next);
	}
	/* Its end is what one records for. */
	if (error && error->code == ESRCH && job->samples) {
		gm_cmd_say("record", "%s", error->message);
		gm_error_destroy(error);
		error = NULL;
	}
	return error;
}

static void catch_stop(void)
{
	const struct sigaction action = { .sa_handler = on_stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static struct gm_error *record(struct job *job, const struct gm_source *source)
{
	struct gm_error *error = gm_exec_open(source->pid, &job->exec);

	if (!error)
		error = gm_subject_open(source, &job->subject);
	if (!error)
		error = gm_tape_record(job->subject.mem, &job->recorder_mem);
	if (!error)
		error = gm_recorder_create(job->path, &job->recorder);
	if (error)
		return error;
	if (job->subject.go_problem)
		gm_cmd_say("record", "without a Go heap: %s", job->subject.go_problem->message);
	catch_stop();
	error = take_samples(job);
	if (job->samples)
		gm_cmd_say("record", "%" PRIu64 " sample%s of process %d in %s", job->samples,
			   gm_plural(job->samples), (int)job->subject.pid, job->path);
	return error;
}

/* A file without a sample is of no use, and would be in the way of the next try. */
static void close_file(struct job *job)
{
	bool empty = job->recorder && !job->samples;

	gm_recorder_destroy(job->recorder);
	if (empty)
		unlink(job->path);
}

static const char *misuse(const struct job *job, const struct gm_options *options)
{
	if (options->sources.count != 1)
		return "one process at a time: give -p PID once";
	if (options->sources.items[0].kind != GM_SOURCE_PID)
		return "only a process that runs can be recorded";
	return job->path ? NULL : "no file given: -o FILE";
}

int gm_cmd_record(int argc, char **argv)
{
	struct job job = { .every_ns = 10 * SECOND, .duration_ns = UINT64_MAX, .exec.mem = -1 };
	const struct gm_syntax syntax = {
		.usage = usage,
		.letters = "o:",
		.options = own_options,
		.take = take,
		.context = &job,
	};
	struct gm_options options;
	struct gm_error *error;
	const char *why;
	int exit_code;

	if (gm_options_parse(&options, argc, argv, &syntax, &exit_code)) {
		why = misuse(&job, &options);
		if (why) {
			exit_code = gm_cmd_misused(argv[0], why, "");
		} else {
			error = record(&job, &options.sources.items[0]);
			exit_code = error ? gm_cmd_fail(argv[0], error) : GM_EXIT_DONE;
		}
	}
	close_file(&job);
	free(job.known.items);
	gm_mem_destroy(job.recorder_mem);
	gm_subject_deinit(&job.subject);
	gm_exec_close(&job.exec);
	gm_options_deinit(&options);
	return exit_code;
}
