/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What gomemctl diff found, and its two forms. Only cmd_diff*.c sees this. */
#ifndef GM_CMD_DIFF_H
#define GM_CMD_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/vec.h"
#include "join/holders.h"

/**
 * struct gm_diff_row - one class, size class, VMA or holder, before and after
 * @name: of a class or size class; @start, @kind, @path: of a VMA; @kind, @path: of a holder
 * @before, @after, @change: bytes
 * @objects_before, @objects_after: of a size class or holder
 * @retained_before, @retained_after: of a holder, bytes
 */
struct gm_diff_row {
	char name[24];
	uint64_t start;
	const char *kind;
	const char *path;
	uint64_t before;
	uint64_t after;
	int64_t change;
	uint64_t objects_before;
	uint64_t objects_after;
	uint64_t retained_before;
	uint64_t retained_after;
};

struct gm_diff_rows {
	GM_VEC(struct gm_diff_row);
};

/* One of the two samples. @time: local; @rss: bytes. */
struct gm_diff_side {
	const char *path;
	int pid;
	int64_t time_ms;
	char time[32];
	uint64_t rss;
};

/**
 * struct gm_diff - what differs, what changed most first
 * @has_holders: both samples have @holders
 * @max: rows of each that are printed as text
 */
struct gm_diff {
	struct gm_diff_side sides[2];
	struct gm_diff_rows classes;
	struct gm_diff_rows sizes;
	struct gm_diff_rows vmas;
	bool has_holders;
	struct gm_diff_rows holders;
	size_t max;
};

/* The rows that changed, of each kind. */
struct gm_error *gm_diff_print_text(FILE *stream, const struct gm_diff *diff) GM_MUST_CHECK;

/* All rows: an object of the schema gomem.diff/1. */
struct gm_error *gm_diff_print_json(FILE *stream, const struct gm_diff *diff) GM_MUST_CHECK;

/* Appends a row for each holder that either has, by kind and name. Their strings must stay; sorts
 * both.
 */
struct gm_error *gm_diff_holders(struct gm_holders *before, struct gm_holders *after,
				 struct gm_diff_rows *rows) GM_MUST_CHECK;

#endif
