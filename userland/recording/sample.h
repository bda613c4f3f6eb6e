/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One look at a process, whole: what a recording has many of. */
#ifndef GM_RECORDING_SAMPLE_H
#define GM_RECORDING_SAMPLE_H

#include "go/image.h"
#include "os/host.h"
#include "os/maps.h"
#include "os/module_watch.h"
#include "os/pages.h"
#include "os/tape.h"

/**
 * struct gm_sample_goroutines - those of one state
 * @state: the runtime's word for it; @wait: what they wait for, "" where they do not
 * @stack_bytes: of address space
 */
struct gm_sample_goroutines {
	char state[24];
	char wait[64];
	uint64_t count;
	uint64_t stack_bytes;
};

/**
 * struct gm_sample - one look; owns all it points to
 * @time_ms: when, since 1970
 * @rss_again: what a second look saw resident, bytes; 0: there was none
 * @image: of the Go program, where there is no @go_problem, without its bytes; it is not owned
 * @go_problem, @go_code: why there is none, or no heap: an error's message and errno
 * @tape, @tape_again: what was read of its memory for the heap, and for the second look
 * @goroutines: by state; none where they could not be read
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
	uint64_t rss_again;
	struct gm_go_image image;
	char *go_problem;
	int32_t go_code;
	struct {
		GM_VEC(struct gm_sample_goroutines);
	} goroutines;
	struct gm_tape tape;
	struct gm_tape tape_again;
	bool torn;
	bool torn_again;
	uint64_t spans_ns;
};

void gm_sample_deinit(struct gm_sample *sample);

#endif
