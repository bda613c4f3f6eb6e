// SPDX-License-Identifier: GPL-2.0-or-later
/* The address space that a core was made of. */
#include <errno.h>
#include <string.h>

#include "os/core_parts.h"

/* Linux arch_randomize_brk(): how far above the program brk() begins, at most. */
#define BRK_GAP (1ULL << 30)

static const struct {
	const char *prefix;
	enum gm_vma_kind kind;
} file_names[] = {
	{ "/memfd:", GM_VMA_SHMEM },
	{ "/dev/shm/", GM_VMA_SHMEM },
	{ "/SYSV", GM_VMA_SHMEM },
	{ "/dev/zero", GM_VMA_SHMEM },
	{ "/anon_hugepage", GM_VMA_HUGETLB },
	{ "/dev/hugepages/", GM_VMA_HUGETLB },
};

static enum gm_vma_kind kind_of_file(const char *path)
{
	for (size_t i = 0; i < sizeof(file_names) / sizeof(file_names[0]); i++)
		if (!strncmp(path, file_names[i].prefix, strlen(file_names[i].prefix)))
			return file_names[i].kind;
	return GM_VMA_FILE;
}

static bool holds(const struct gm_vma *vma, uint64_t address)
{
	return address && vma->start <= address && address < vma->end;
}

/* The end of the last mapping of the program's file; UINT64_MAX where none is known. */
static uint64_t find_exe_end(const struct gm_core *core)
{
	const struct gm_core_file *exe = gm_core_file_at(core, core->auxv.headers);
	uint64_t end = UINT64_MAX;

	for (size_t i = 0; exe && i < core->files.count; i++)
		if (core->files.items[i].backing == exe->backing)
			end = core->files.items[i].end;
	return end;
}

/* Apart from it the kernel maps nothing so close above the program, unless asked to. */
static bool is_brk(const struct gm_vma *vma, uint64_t exe_end)
{
	return vma->start > exe_end && vma->start - exe_end < BRK_GAP &&
	       !strncmp(vma->perms, "rw", 2);
}

static const char *name_of(const struct gm_core *core, uint64_t exe_end,
			   const struct gm_core_file *file, struct gm_vma *vma)
{
	vma->kind = GM_VMA_ANON;
	if (file) {
		vma->kind = kind_of_file(file->path);
		return file->path;
	}
	if (holds(vma, core->auxv.random)) {
		vma->kind = GM_VMA_STACK;
		return "[stack]";
	}
	if (holds(vma, core->auxv.vdso)) {
		vma->kind = GM_VMA_VDSO;
		return "[vdso]";
	}
	if (vma->start > INT64_MAX) {
		vma->kind = GM_VMA_VDSO;
		return "[vsyscall]";
	}
	if (is_brk(vma, exe_end)) {
		vma->kind = GM_VMA_HEAP;
		return "[heap]";
	}
	return "";
}

/* @segment: NULL where the core left the whole of it out, and says nothing of its use. */
static void set_perms(struct gm_vma *vma, const struct gm_core_segment *segment)
{
	vma->perms[0] = segment && segment->readable ? 'r' : '-';
	vma->perms[1] = segment && segment->writable ? 'w' : '-';
	vma->perms[2] = segment && segment->executable ? 'x' : '-';
	vma->perms[3] = 'p';
}

static struct gm_error *add_vma(const struct gm_core *core, struct gm_maps *maps, uint64_t exe_end,
				uint64_t start, uint64_t end)
{
	const struct gm_core_segment *segment = gm_core_segment_at(core, start);
	const struct gm_core_file *file = gm_core_file_at(core, start);
	struct gm_vma vma = { .start = start, .end = end }, *added;
	const char *name;

	set_perms(&vma, segment);
	name = name_of(core, exe_end, file, &vma);
	vma.name = strdup(name);
	added = vma.name ? gm_vec_push(maps) : NULL;
	if (!added) {
		free(vma.name);
		return gm_error_create(ENOMEM, "out of memory");
	}
	if (file)
		vma.offset = file->offset + (start - file->start);
	*added = vma;
	return NULL;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Where the next segment or file begins or ends above @at, [*start, *end) being in either;
 * false: nothing is above.
 */
static bool next_range(const struct gm_core *core, size_t *segment, size_t *file, uint64_t at,
		       uint64_t *start, uint64_t *end)
{
	const uint64_t none[2] = { UINT64_MAX, UINT64_MAX };
	const uint64_t *a = none, *b = none;

	while (*segment < core->segments.count && core->segments.items[*segment].end <= at)
		++*segment;
	while (*file < core->files.count && core->files.items[*file].end <= at)
		++*file;
	if (*segment < core->segments.count)
		a = &core->segments.items[*segment].start;
	if (*file < core->files.count)
		b = &core->files.items[*file].start;
	*start = lower(a[0], b[0]);
	if (*start < at)
		*start = at;
	*end = lower(a[0] > *start ? a[0] : a[1], b[0] > *start ? b[0] : b[1]);
	return *start != UINT64_MAX;
}

struct gm_error *gm_core_maps(const struct gm_core *core, struct gm_maps **out)
{
	gm_auto(gm_maps) struct gm_maps *maps = calloc(1, sizeof(*maps));
	uint64_t exe_end = find_exe_end(core);
	size_t segment = 0, file = 0;
	struct gm_error *error = NULL;
	uint64_t start, end = 0;

	if (!maps)
		return gm_error_create(ENOMEM, "out of memory");
	while (!error && next_range(core, &segment, &file, end, &start, &end))
		error = add_vma(core, maps, exe_end, start, end);
	if (!error && !maps->count)
		error = gm_error_create(EBADMSG, "the core %s holds no memory", core->path);
	if (error)
		return error;
	*out = maps;
	maps = NULL;
	return NULL;
}
