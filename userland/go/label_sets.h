/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The labels of many goroutines of one process, which share most of them: each set read once. */
#ifndef GM_GO_LABEL_SETS_H
#define GM_GO_LABEL_SETS_H

#include "go/goroutine.h"

/**
 * struct gm_go_label_set - what g.labels points to
 * @labels: empty where none could be read
 */
struct gm_go_label_set {
	uint64_t pointer;
	struct gm_go_labels labels;
};

/* Zeroed is empty. Sorted by pointer once read. */
struct gm_go_label_sets {
	GM_VEC(struct gm_go_label_set);
};

/* To be read, as often as one likes; 0 stands for none. */
struct gm_error *gm_go_label_sets_want(struct gm_go_label_sets *sets,
				       uint64_t pointer) GM_MUST_CHECK;

/* Reads all that is wanted, once; of a Go of that @minor. */
void gm_go_label_sets_read(struct gm_go_label_sets *sets, struct gm_mem *mem, unsigned int minor);

/* NULL where there are none. Valid as long as @sets. */
const struct gm_go_labels *gm_go_label_sets_of(const struct gm_go_label_sets *sets,
					       uint64_t pointer);

/* Of sets with the same labels, keeps one, and rewrites the @count pointers at @places, which lie
 * @stride bytes apart, to those that are kept. False: out of memory, all is as it was.
 */
bool gm_go_label_sets_fold(struct gm_go_label_sets *sets, uint64_t *places, size_t stride,
			   size_t count) GM_MUST_CHECK;
void gm_go_label_sets_deinit(struct gm_go_label_sets *sets);

#endif
