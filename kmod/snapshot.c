// SPDX-License-Identifier: GPL-2.0
#include "snapshot.h"

#include <linux/dcache.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "gomem.h"
#include "walk.h"

/* Rows and names get their memory between windows: nothing is allocated under the lock. */
#define CHUNK_BYTES SZ_8K
#define ROWS_PER_CHUNK (CHUNK_BYTES / sizeof(struct gomem_row))
#define NAMES_BYTES (SZ_8K - sizeof(struct list_head) - sizeof(unsigned int))

struct names {
	struct list_head list;
	unsigned int used;
	char text[NAMES_BYTES];
};

/**
 * struct builder - a snapshot in the making
 * @snapshot: what is made
 * @room: rows that there is memory for
 * @names: where the next name goes, with PATH_MAX bytes to spare when a window begins
 * @row: the row being added to
 * @file: its file, to tell a change and to share its name; compared, never followed
 * @path: that file's path, for the same
 * @pgoff: its offset in the file
 * @resumed: where this window began, until the row of the last one is seen to go on
 */
struct builder {
	struct gomem_snapshot *snapshot;
	unsigned long room;
	struct names *names;
	struct gomem_row *row;
	const void *file;
	struct path path;
	unsigned long pgoff;
	unsigned long resumed;
};

static struct gomem_row *row_at(const struct gomem_snapshot *snapshot, unsigned long index)
{
	struct gomem_row *chunk;

	chunk = xa_load((struct xarray *)&snapshot->chunks, index / ROWS_PER_CHUNK);
	return chunk + index % ROWS_PER_CHUNK;
}

const struct gomem_row *gomem_snapshot_row(const struct gomem_snapshot *snapshot,
					   unsigned long index)
{
	return index < snapshot->row_count ? row_at(snapshot, index) : NULL;
}

static int make_room_for_rows(struct builder *b)
{
	struct gomem_row *chunk;
	int err;

	if (b->snapshot->row_count < b->room)
		return 0;
	chunk = kzalloc(CHUNK_BYTES, GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	err = xa_err(xa_store(&b->snapshot->chunks, b->room / ROWS_PER_CHUNK, chunk, GFP_KERNEL));
	if (err)
		kfree(chunk);
	else
		b->room += ROWS_PER_CHUNK;
	return err;
}

static int make_room_for_names(struct builder *b)
{
	struct names *names;

	if (b->names && b->names->used + PATH_MAX <= NAMES_BYTES)
		return 0;
	names = kmalloc(sizeof(*names), GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	names->used = 0;
	list_add(&names->list, &b->snapshot->names);
	b->names = names;
	return 0;
}

static bool is_same_vma(const struct builder *b, const struct vm_area_struct *vma)
{
	return b->row && vma->vm_start <= b->row->start && vma->vm_end == b->row->end &&
	       b->row->flags == vma->vm_flags && b->file == vma->vm_file &&
	       b->pgoff == vma->vm_pgoff;
}

static const char *file_kind(const struct file *file)
{
	return shmem_mapping(file->f_mapping) ? "shmem" : "file";
}

static bool is_heap(const struct vm_area_struct *vma)
{
	return vma->vm_start <= vma->vm_mm->brk && vma->vm_end >= vma->vm_mm->start_brk;
}

static bool is_stack(const struct vm_area_struct *vma)
{
	unsigned long stack = vma->vm_mm->start_stack;

	return vma->vm_start <= stack && vma->vm_end >= stack;
}

static const char *kind_of(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_HUGETLB)
		return "hugetlb";
	if (vma->vm_file)
		return file_kind(vma->vm_file);
	if (vma->vm_ops && vma->vm_ops->name)
		return "vdso";
	if (is_heap(vma))
		return "heap";
	return is_stack(vma) ? "stack" : "anon";
}

static const char *add_name(struct builder *b, const char *name)
{
	char *text = b->names->text + b->names->used;
	ssize_t length = strscpy(text, name, PATH_MAX);

	if (length < 0)
		length = PATH_MAX - 1;
	b->names->used += length + 1;
	return text;
}

/* d_path() writes to the end of the buffer it is given. */
static const char *path_name(struct builder *b, const struct file *file)
{
	char *text = b->names->text + b->names->used;
	char *path = d_path(&file->f_path, text, PATH_MAX);
	size_t length;

	if (IS_ERR(path))
		return add_name(b, "?");
	length = strlen(path) + 1;
	memmove(text, path, length);
	b->names->used += length;
	return text;
}

static const char *name_of(struct builder *b, struct vm_area_struct *vma, const char *last)
{
	const char *name = NULL;

	if (vma->vm_file) {
		if (last && path_equal(&b->path, &vma->vm_file->f_path))
			return last;
		return path_name(b, vma->vm_file);
	}
	if (vma->vm_ops && vma->vm_ops->name)
		name = vma->vm_ops->name(vma);
	if (!name)
		name = gomem_compat_vma_name(vma);
	return name ? add_name(b, name) : NULL;
}

static bool has_room(const struct builder *b)
{
	return b->snapshot->row_count < b->room && b->names->used + PATH_MAX <= NAMES_BYTES;
}

/* A VMA that changed between two windows ends where it was last seen. */
static void close_row(struct builder *b)
{
	if (b->row)
		b->row->end = min(b->row->end, b->resumed);
	b->resumed = ULONG_MAX;
}

static void open_row(struct builder *b, struct vm_area_struct *vma, unsigned long at)
{
	struct gomem_row *row = row_at(b->snapshot, b->snapshot->row_count++);

	row->start = at;
	row->end = vma->vm_end;
	row->flags = vma->vm_flags;
	row->kind = kind_of(vma);
	row->name = name_of(b, vma, b->row ? b->row->name : NULL);
	b->row = row;
	b->file = vma->vm_file;
	b->pgoff = vma->vm_pgoff;
	b->path = vma->vm_file ? vma->vm_file->f_path : (struct path){};
}

static bool sink_vma(void *arg, struct vm_area_struct *vma, unsigned long at)
{
	struct builder *b = arg;

	if (is_same_vma(b, vma)) {
		b->resumed = ULONG_MAX;
		return true;
	}
	if (!has_room(b))
		return false;
	close_row(b);
	open_row(b, vma, at);
	return true;
}

static bool is_resident(u8 state)
{
	return state != GOMEM_PAGE_ZERO && state != GOMEM_PAGE_SWAP;
}

static bool sink_run(void *arg, const struct gomem_run *run)
{
	struct gomem_sizes *sizes = &((struct builder *)arg)->row->sizes;

	if (is_resident(run->state))
		sizes->rss += run->pages;
	if (run->anon)
		sizes->anon += run->pages;
	if (run->anon && run->order == HPAGE_PMD_ORDER && run->state != GOMEM_PAGE_MTHP)
		sizes->thp += run->pages;
	if (run->state == GOMEM_PAGE_SWAP)
		sizes->swap += run->pages;
	if (run->state == GOMEM_PAGE_LAZYFREE)
		sizes->lazyfree += run->pages;
	return true;
}

static void sink_swapped(void *arg, unsigned long pages)
{
	((struct builder *)arg)->row->sizes.swap += pages;
}

static const struct gomem_sink sink = {
	.vma = sink_vma,
	.run = sink_run,
	.swapped = sink_swapped,
};

static int look(struct builder *b, struct mm_struct *mm)
{
	struct gomem_walk walk = { .mm = mm, .end = TASK_SIZE_MAX, .sink = &sink, .arg = b };
	int err;

	do {
		b->resumed = walk.pos;
		b->path = (struct path){};
		err = make_room_for_rows(b) ?: make_room_for_names(b);
		if (!err)
			err = gomem_walk_window(&walk);
	} while (err > 0);
	close_row(b);
	b->snapshot->hold_ns = walk.hold_ns;
	return err;
}

static void add_counts(struct gomem_counts *sum, const struct gomem_counts *counts)
{
	unsigned int i;

	for (i = 0; i < GOMEM_COUNTERS; i++)
		sum->of[i] += counts->of[i];
}

static struct gomem_row *find_row(const struct gomem_snapshot *snapshot, unsigned long addr)
{
	unsigned long lo = 0, hi = snapshot->row_count;

	while (lo < hi) {
		unsigned long mid = lo + (hi - lo) / 2;
		struct gomem_row *row = row_at(snapshot, mid);

		if (addr < row->start)
			hi = mid;
		else if (addr >= row->end)
			lo = mid + 1;
		else
			return row;
	}
	return NULL;
}

static void add_record(void *arg, unsigned long pos, const struct gomem_counts *counts,
		       const struct gomem_history *history)
{
	struct gomem_snapshot *snapshot = arg;
	struct gomem_row *row = find_row(snapshot, pos);

	add_counts(&snapshot->counts, counts);
	if (row)
		add_counts(&row->counts, counts);
}

static void add_sizes(struct gomem_sizes *sum, const struct gomem_sizes *sizes)
{
	sum->size += sizes->size;
	sum->rss += sizes->rss;
	sum->anon += sizes->anon;
	sum->thp += sizes->thp;
	sum->swap += sizes->swap;
	sum->lazyfree += sizes->lazyfree;
}

static void sum_rows(struct gomem_snapshot *snapshot)
{
	unsigned long i;

	for (i = 0; i < snapshot->row_count; i++) {
		struct gomem_row *row = row_at(snapshot, i);

		row->sizes.size = (row->end - row->start) >> PAGE_SHIFT;
		add_sizes(&snapshot->sizes, &row->sizes);
	}
}

static struct gomem_snapshot *create(void)
{
	struct gomem_snapshot *snapshot = kzalloc(sizeof(*snapshot), GFP_KERNEL);

	if (!snapshot)
		return NULL;
	kref_init(&snapshot->ref);
	xa_init(&snapshot->chunks);
	INIT_LIST_HEAD(&snapshot->names);
	return snapshot;
}

struct gomem_snapshot *gomem_snapshot_take(struct mm_struct *mm, struct gomem_ledger *ledger)
{
	struct builder b = { .snapshot = create() };
	u64 start_ns = ktime_get_ns();
	int err = 0;

	if (!b.snapshot)
		return ERR_PTR(-ENOMEM);
	if (mm)
		err = look(&b, mm);
	if (err) {
		gomem_snapshot_put(b.snapshot);
		return ERR_PTR(err);
	}
	sum_rows(b.snapshot);
	b.snapshot->seen_ns = ktime_get_ns();
	b.snapshot->walk_ns = b.snapshot->seen_ns - start_ns;
	gomem_ledger_read(ledger, add_record, b.snapshot, &b.snapshot->ledger);
	return b.snapshot;
}

static void destroy(struct kref *ref)
{
	struct gomem_snapshot *snapshot = container_of(ref, struct gomem_snapshot, ref);
	struct names *names, *next;
	unsigned long i;
	void *chunk;

	xa_for_each(&snapshot->chunks, i, chunk)
		kfree(chunk);
	xa_destroy(&snapshot->chunks);
	list_for_each_entry_safe(names, next, &snapshot->names, list)
		kfree(names);
	kfree(snapshot);
}

void gomem_snapshot_put(struct gomem_snapshot *snapshot)
{
	if (snapshot)
		kref_put(&snapshot->ref, destroy);
}
