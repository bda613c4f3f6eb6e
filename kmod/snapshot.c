// SPDX-License-Identifier: GPL-2.0
#include "snapshot.h"

#include <linux/dcache.h>
#include <linux/gfp.h>
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
#define SPARE_ROWS 8 /* for VMAs that change during the look */
#define NAMES_BYTES (SZ_8K - sizeof(struct list_head) - sizeof(unsigned int))
#define NAMES_MAX (SZ_8M / SZ_8K) /* 65,530 VMAs of long names would take 256 MiB */

struct names {
	struct list_head list;
	unsigned int used;
	char text[NAMES_BYTES];
};

/**
 * struct builder - a snapshot in the making
 * @snapshot: what is made
 * @names: where the next name goes; when a window begins, with PATH_MAX bytes to spare unless
 *	there are NAMES_MAX
 * @names_count: how many there are
 * @row: the row being added to
 * @file: its file, to tell a change and to share its name; compared, never followed
 * @path: that file's path, for the same
 * @pgoff: its offset in the file
 * @resumed: where this window began, until the row of the last one is seen to go on
 */
struct builder {
	struct gomem_snapshot *snapshot;
	struct names *names;
	unsigned int names_count;
	struct gomem_row *row;
	const void *file;
	struct path path;
	unsigned long pgoff;
	unsigned long resumed;
};

const struct gomem_row *gomem_snapshot_row(const struct gomem_snapshot *snapshot,
					   unsigned long index)
{
	return index < snapshot->rows.count ? gomem_vec_at(&snapshot->rows, index) : NULL;
}

static bool has_room_for_name(const struct builder *b)
{
	return b->names && b->names->used + PATH_MAX <= NAMES_BYTES;
}

static int make_room_for_names(struct builder *b)
{
	struct names *names;

	if (has_room_for_name(b) || b->names_count == NAMES_MAX)
		return 0;
	names = (void *)__get_free_pages(GOMEM_VEC_GFP, get_order(sizeof(*names)));
	if (!names)
		return -ENOMEM;
	names->used = 0;
	list_add(&names->list, &b->snapshot->names);
	b->names = names;
	b->names_count++;
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
	ssize_t length;

	if (!has_room_for_name(b))
		return "?";
	length = strscpy(text, name, PATH_MAX);
	if (length < 0)
		length = PATH_MAX - 1;
	b->names->used += length + 1;
	return text;
}

/* d_path() writes to the end of the buffer it is given. */
static const char *path_name(struct builder *b, const struct file *file)
{
	char *text = b->names->text + b->names->used, *path;
	size_t length;

	if (!has_room_for_name(b))
		return "?";
	path = d_path(&file->f_path, text, PATH_MAX);
	if (IS_ERR(path))
		return "?";
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

/* Of rows without a record; never written to. */
static struct gomem_counts no_counts;

static bool has_room(const struct builder *b)
{
	return gomem_vec_has_room(&b->snapshot->rows) &&
	       (has_room_for_name(b) || b->names_count == NAMES_MAX);
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
	struct gomem_row *row = gomem_vec_push(&b->snapshot->rows);

	row->start = at;
	row->end = vma->vm_end;
	row->flags = vma->vm_flags;
	row->kind = kind_of(vma);
	row->name = name_of(b, vma, b->row ? b->row->name : NULL);
	row->counts = &no_counts;
	row->sizes = (struct gomem_tally){};
	b->row = row;
	b->file = vma->vm_file;
	b->pgoff = vma->vm_pgoff;
	b->path = vma->vm_file ? vma->vm_file->f_path : (struct path){};
}

static struct gomem_tally *sink_vma(void *arg, struct vm_area_struct *vma, unsigned long at)
{
	struct builder *b = arg;

	if (is_same_vma(b, vma)) {
		b->resumed = ULONG_MAX;
		return &b->row->sizes;
	}
	if (!has_room(b))
		return NULL;
	close_row(b);
	open_row(b, vma, at);
	return &b->row->sizes;
}

static const struct gomem_sink sink = { .vma = sink_vma };

/* Rows that may come yet; their number is a guess, which windows make good. */
static unsigned long rows_ahead(const struct builder *b, const struct mm_struct *mm)
{
	unsigned long vmas = READ_ONCE(mm->map_count), rows = b->snapshot->rows.count;

	return (vmas > rows ? vmas - rows : 0) + SPARE_ROWS;
}

static int make_room(struct builder *b, const struct gomem_walk *walk)
{
	struct gomem_vec *rows = &b->snapshot->rows;

	if (gomem_walk_is_outrun(walk, rows->count))
		return -EBUSY;
	return gomem_vec_reserve(rows, rows_ahead(b, walk->mm)) ?: make_room_for_names(b);
}

static int look(struct builder *b, struct mm_struct *mm)
{
	struct gomem_walk walk = { .mm = mm, .end = TASK_SIZE_MAX, .sink = &sink, .arg = b };
	int err;

	do {
		b->resumed = walk.pos;
		b->path = (struct path){};
		err = make_room(b, &walk);
		if (!err)
			err = gomem_walk_window(&walk);
	} while (err > 0);
	close_row(b);
	b->snapshot->hold_ns = walk.hold_ns;
	return err;
}

static struct gomem_row *find_row(const struct gomem_snapshot *snapshot, unsigned long addr)
{
	unsigned long lo = 0, hi = snapshot->rows.count;

	while (lo < hi) {
		unsigned long mid = lo + (hi - lo) / 2;
		struct gomem_row *row = gomem_vec_at(&snapshot->rows, mid);

		if (addr < row->start)
			hi = mid;
		else if (addr >= row->end)
			lo = mid + 1;
		else
			return row;
	}
	return NULL;
}

/**
 * struct join - records on their way to the rows they lie in
 * @snapshot: whose rows
 * @row: where the last one went; the next may as well, or to one beside it
 * @missing: rows that got none, for want of memory
 */
struct join {
	struct gomem_snapshot *snapshot;
	struct gomem_row *row;
	unsigned long missing;
};

static bool is_in(const struct gomem_row *row, unsigned long addr)
{
	return addr >= row->start && addr < row->end;
}

/* A record is put before those that it follows in its chain: of neighbours, most come backwards. */
static struct gomem_row *row_of(struct join *join, unsigned long pos)
{
	struct gomem_row *row = join->row;

	if (row && is_in(row, pos))
		return row;
	if (row && gomem_vec_has_before(row) && is_in(row - 1, pos))
		join->row = row - 1;
	else
		join->row = find_row(join->snapshot, pos);
	return join->row;
}

/* Where the counts of a row's first record go, or NULL. */
static struct gomem_counts *counts_of(struct join *join, struct gomem_row *row)
{
	struct gomem_vec *all = &join->snapshot->counts_of_rows;

	if (row->counts == &no_counts && gomem_vec_has_room(all)) {
		row->counts = gomem_vec_push(all);
		*row->counts = no_counts;
	}
	return row->counts == &no_counts ? NULL : row->counts;
}

/* Called where one may not sleep: the first records of more rows than there is room for wait. */
static void add_record(void *arg, unsigned long pos, const struct gomem_record *record)
{
	struct join *join = arg;
	struct gomem_row *row = row_of(join, pos);
	struct gomem_counts *counts = row ? counts_of(join, row) : &join->snapshot->counts;

	if (counts)
		gomem_ledger_add(record, counts);
	else
		join->missing++;
}

static void forget_records(struct gomem_snapshot *snapshot)
{
	unsigned long i;

	for (i = 0; i < snapshot->rows.count; i++)
		((struct gomem_row *)gomem_vec_at(&snapshot->rows, i))->counts = &no_counts;
	snapshot->counts_of_rows.count = 0;
	snapshot->counts = no_counts;
}

/* Rows that may get counts: a guess, which the next attempt makes good. */
static unsigned long rows_counted(const struct gomem_snapshot *snapshot,
				  struct gomem_ledger *ledger)
{
	return min_t(u64, snapshot->rows.count, gomem_ledger_state(ledger).records);
}

static int read_ledger(struct gomem_snapshot *snapshot, struct gomem_ledger *ledger)
{
	struct join join = { .missing = rows_counted(snapshot, ledger) };
	int err;

	do {
		err = gomem_vec_reserve(&snapshot->counts_of_rows, join.missing);
		if (err)
			return err;
		forget_records(snapshot);
		join = (struct join){ .snapshot = snapshot };
		gomem_ledger_read(ledger, add_record, &join, &snapshot->ledger);
	} while (join.missing);
	return 0;
}

static void add_sizes(struct gomem_tally *sum, const struct gomem_tally *sizes)
{
	sum->size += sizes->size;
	sum->rss += sizes->rss;
	sum->anon += sizes->anon;
	sum->thp += sizes->thp;
	sum->swap += sizes->swap;
	sum->lazyfree += sizes->lazyfree;
}

/* The sums hold what lies outside of any row already. */
static void sum_rows(struct gomem_snapshot *snapshot)
{
	unsigned long i;

	for (i = 0; i < snapshot->rows.count; i++) {
		struct gomem_row *row = gomem_vec_at(&snapshot->rows, i);

		row->sizes.size = (row->end - row->start) >> PAGE_SHIFT;
		add_sizes(&snapshot->sizes, &row->sizes);
		if (row->counts != &no_counts)
			gomem_counts_add(&snapshot->counts, row->counts);
	}
}

static struct gomem_snapshot *create(void)
{
	struct gomem_snapshot *snapshot = kzalloc(sizeof(*snapshot), GOMEM_VEC_GFP);

	if (!snapshot)
		return NULL;
	kref_init(&snapshot->ref);
	gomem_vec_init(&snapshot->rows, sizeof(struct gomem_row));
	gomem_vec_init(&snapshot->counts_of_rows, sizeof(struct gomem_counts));
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
	b.snapshot->seen_ns = ktime_get_ns();
	b.snapshot->walk_ns = b.snapshot->seen_ns - start_ns;
	if (!err)
		err = read_ledger(b.snapshot, ledger);
	if (err) {
		gomem_snapshot_put(b.snapshot);
		return ERR_PTR(err);
	}
	sum_rows(b.snapshot);
	return b.snapshot;
}

static void destroy(struct kref *ref)
{
	struct gomem_snapshot *snapshot = container_of(ref, struct gomem_snapshot, ref);
	struct names *names, *next;

	gomem_vec_free(&snapshot->rows);
	gomem_vec_free(&snapshot->counts_of_rows);
	list_for_each_entry_safe(names, next, &snapshot->names, list)
		free_pages((unsigned long)names, get_order(sizeof(*names)));
	kfree(snapshot);
}

static size_t vec_bytes(const struct gomem_vec *vec)
{
	return vec->room / vec->per_chunk * PAGE_SIZE;
}

size_t gomem_snapshot_bytes(const struct gomem_snapshot *snapshot)
{
	size_t bytes = sizeof(*snapshot) + vec_bytes(&snapshot->rows);
	const struct names *names;

	list_for_each_entry(names, &snapshot->names, list)
		bytes += sizeof(*names);
	return bytes + vec_bytes(&snapshot->counts_of_rows);
}

void gomem_snapshot_put(struct gomem_snapshot *snapshot)
{
	if (snapshot)
		kref_put(&snapshot->ref, destroy);
}
