// SPDX-License-Identifier: GPL-2.0-or-later
/* What refs found, for other programs to show. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd_refs.h"
#include "out/bytes.h"
#include "out/clean.h"
#include "out/pprof.h"

#define DOT_EDGES 200

static struct gm_error *add_samples(const struct gm_holders *holders, struct gm_pprof *pprof)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; i < holders->parts.count && !error; i++) {
		const struct gm_holders_part *part = &holders->parts.items[i];
		const char *const stack[] = {
			holders->types.items[part->type].type,
			holders->items[part->holder].holder,
		};

		error = gm_pprof_add(pprof, stack, 2,
				     (const uint64_t[]){ part->objects, part->bytes });
	}
	return error;
}

struct gm_error *gm_refs_write_pprof(const struct gm_holders *holders, const char *path)
{
	gm_auto(gm_pprof) struct gm_pprof *pprof = NULL;
	static const char *const types[] = { "inuse_objects", "inuse_space" };
	static const char *const units[] = { "count", "bytes" };
	struct gm_error *error;

	error = gm_pprof_create(types, units, &pprof);
	if (!error)
		error = add_samples(holders, pprof);
	return error ?: gm_pprof_write(pprof, path);
}

static int by_bytes(const void *a, const void *b)
{
	const struct gm_holders_part *one = a, *two = b;

	return one->bytes < two->bytes ? 1 : -(one->bytes > two->bytes);
}

/* A name between quotes: what of it would end them goes, and what is no UTF-8, as dot has it. */
static void put_name(FILE *file, const char *name)
{
	size_t bytes;

	for (; *name; name += bytes ?: 1) {
		bytes = gm_out_utf8_bytes(name);
		if (!bytes)
			fputs(GM_OUT_REPLACEMENT, file);
		else if (*name == '"' || *name == '\\' || (unsigned char)*name < ' ')
			fputc('\'', file);
		else
			fwrite(name, 1, bytes, file);
	}
}

static void put_part(FILE *file, const struct gm_holders *holders,
		     const struct gm_holders_part *part)
{
	char bytes[GM_OUT_BYTES_MAX];

	fputs("\t\"", file);
	put_name(file, holders->items[part->holder].holder);
	fputs("\" -> \"", file);
	put_name(file, holders->types.items[part->type].type);
	/* A variable may be called as a type is: they are told apart by a blank. */
	fprintf(file, " \" [label=\"%s, %" PRIu64 "\"];\n", gm_out_bytes(part->bytes, bytes),
		part->objects);
}

static struct gm_error *write_graph(const struct gm_holders *holders,
				    const struct gm_holders_part *sorted, size_t count,
				    const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return gm_error_errno(errno, "cannot write %s", path);
	fputs("digraph refs {\n\trankdir=LR;\n\tnode [shape=box];\n", file);
	for (size_t i = 0; i < count && i < DOT_EDGES; i++)
		put_part(file, holders, &sorted[i]);
	fputs("}\n", file);
	count = ferror(file);
	if (!fclose(file) && !count)
		return NULL;
	return gm_error_errno(errno ?: EIO, "cannot write %s", path);
}

struct gm_error *gm_refs_write_dot(const struct gm_holders *holders, const char *path)
{
	size_t count = holders->parts.count;
	struct gm_holders_part *sorted = calloc(count + 1, sizeof(*sorted));
	struct gm_error *error;

	if (!sorted)
		return gm_error_errno(ENOMEM, "cannot write %s", path);
	if (count)
		memcpy(sorted, holders->parts.items, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_bytes);
	error = write_graph(holders, sorted, count, path);
	free(sorted);
	return error;
}
