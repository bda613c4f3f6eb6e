/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One look at a process, whole: what a recording has many of. */
#ifndef GM_RECORDING_SAMPLE_H
#define GM_RECORDING_SAMPLE_H

#include "go/image.h"
#include "go/population.h"
#include "join/holders.h"
#include "os/host.h"
#include "os/maps.h"
#include "os/module_watch.h"
#include "os/pages.h"
#include "os/tape.h"

/**
 * struct gm_sample_group - goroutines alike in stack, state and labels; for those who query the
 * file, as gomemctl has the goroutines themselves
 * @state: what they wait for, or else the runtime's word for what they do
 * @function: that they are in; @creator: that made them; not owned, NULL: not known
 * @system: the runtime's own
 */
struct gm_sample_group {
	char state[80];
	const char *function;
	const char *creator;
	bool system;
	uint64_t count;
	uint64_t stack_bytes;
	uint64_t used_bytes;
	uint64_t resident_bytes;
};

/**
 * struct gm_sample_code - a function at an address in the code
 * @place: 0 is the innermost there, those that it is inlined into follow
 * @mapped: the file that is mapped there; @source: the one it was written in; NULL: not known
 */
struct gm_sample_code {
	uint64_t address;
	uint64_t place;
	char *function;
	char *mapped;
	char *source;
	int32_t line;
	bool inlined;
};

/* By address and place, once sorted. */
struct gm_sample_codes {
	GM_VEC(struct gm_sample_code);
};

void gm_sample_codes_sort(struct gm_sample_codes *codes);
void gm_sample_codes_deinit(struct gm_sample_codes *codes);

/* The first of the *@count functions at @address, NULL for none. */
const struct gm_sample_code *gm_sample_codes_at(const struct gm_sample_codes *codes,
						uint64_t address, size_t *count);

/**
 * struct gm_sample - one look; owns all it points to
 * @time_ms: when, since 1970
 * @stacks: that the module kept, @stacks_rate: its sampling rate; @stacks_labels: those that the
 *	goroutines in them had, as far as the process still has them
 * @rss_again: what a second look saw resident, bytes; 0: there was none
 * @image: of the Go program, where there is no @go_problem, without its bytes; it is not owned
 * @go_problem, @go_code: why there is none, or no heap: an error's message and errno
 * @tape, @tape_again: what was read of its memory for the heap, and for the second look
 * @population: its goroutines, @groups: the same for the table of that name, which is not read
 * @population_problem, @population_code: why there is none
 * @has_holders: they were asked for, and @holders are there, or else @holders_problem and
 *	@holders_code
 * @codes: what is at the addresses that the sample has and none before it, when it is written;
 *	when it is read, those of all samples
 * @torn, @torn_again: the collector moved meanwhile
 * @spans_ns: what reading the heap took
 */
struct gm_sample {
	int64_t time_ms;
	int32_t pid;
	struct gm_process process;
	struct gm_host host;
	struct gm_maps *maps;
	struct gm_pages *pages;
	struct gm_module_watch watch;
	struct gm_module_blocks blocks;
	struct gm_module_stacks stacks;
	char *stacks_remark;
	uint64_t stacks_rate;
	struct gm_go_label_sets stacks_labels;
	uint64_t rss_again;
	struct gm_go_image image;
	char *go_problem;
	int32_t go_code;
	struct gm_go_population population;
	char *population_problem;
	int32_t population_code;
	struct {
		GM_VEC(struct gm_sample_group);
	} groups;
	struct gm_sample_codes codes;
	bool has_holders;
	struct gm_holders holders;
	char *holders_problem;
	int32_t holders_code;
	struct gm_tape tape;
	struct gm_tape tape_again;
	bool torn;
	bool torn_again;
	uint64_t spans_ns;
};

void gm_sample_deinit(struct gm_sample *sample);

#endif
