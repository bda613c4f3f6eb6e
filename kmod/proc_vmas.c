// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/mm.h>

#include "proc_cursor.h"
#include "proc_fields.h"
#include "rows.h"

GOMEM_ROW_LINES(vmas, GOMEM_VMAS_COLUMNS)

/* The next VMA, with the look at its target made when the reader gets there. */
static void *vmas_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct gomem_proc_cursor *cursor = m->private;

	++*pos;
	if (v != SEQ_START_TOKEN && cursor->row < cursor->snapshot->rows.count) {
		cursor->row++;
		return cursor;
	}
	gomem_proc_cursor_enter_next(cursor);
	if (!cursor->target)
		return NULL;
	cursor->snapshot = gomem_target_look(cursor->target);
	if (!IS_ERR(cursor->snapshot))
		return cursor;
	cursor->err = PTR_ERR(cursor->snapshot);
	cursor->snapshot = NULL;
	return ERR_PTR(cursor->err);
}

static const char *perms_of(unsigned long flags)
{
	static const char perms[][5] = {
		"---p", "r--p", "-w-p", "rw-p", "--xp", "r-xp", "-wxp", "rwxp",
		"---s", "r--s", "-w-s", "rw-s", "--xs", "r-xs", "-wxs", "rwxs",
	};

	static_assert(VM_READ == 1 && VM_WRITE == 2 && VM_EXEC == 4 && VM_MAYSHARE == 8 << 4);
	return perms[(flags & (VM_READ | VM_WRITE | VM_EXEC)) | (flags & VM_MAYSHARE) >> 4];
}

#define COLUMN(name, type) COLUMN_##name,
enum { GOMEM_VMAS_COLUMNS(COLUMN) };

/* There may be 65,530 rows: from where they are to the buffer, without a row in between. */
#define PRINT(name, type, value)               \
	BUILD_BUG_ON(COLUMN_##name != column); \
	column++;                              \
	GOMEM_PRINT_AS(name, type, value)
#define PRINT_SIZE(name, type) PRINT(name, type, gomem_proc_kb(vma->sizes.name))
#define PRINT_EVENT(name, type) PRINT(name, type, gomem_proc_event(counts, GOMEM_COUNT_##name))

static void print_vma(struct seq_file *m, const struct gomem_proc_cursor *cursor,
		      const struct gomem_row *vma)
{
	const struct gomem_counts *counts = vma->counts;
	struct gomem_line line = vmas_begin(m);
	char *at = line.start;
	unsigned int column = 0;

	if (at) {
		at++;
		PRINT(pid, DEC, cursor->nr)
		PRINT(start, HEX, vma->start)
		PRINT(end, HEX, vma->end)
		PRINT(perms, STR, perms_of(vma->flags))
		PRINT(kind, STR, vma->kind)
		GOMEM_SIZE_COLUMNS(PRINT_SIZE)
		GOMEM_EVENT_COLUMNS(PRINT_EVENT)
		PRINT(name, STR, vma->name)
	}
	gomem_rows_end(m, &line, at);
}

/* After the last row: what these figures are worth. */
static void vmas_remark(struct seq_file *m, const struct gomem_proc_cursor *cursor)
{
	struct gomem_target *target = cursor->target;
	const struct gomem_snapshot *snapshot = cursor->snapshot;
	u64 execs = atomic64_read(&target->execs);

	seq_printf(m, "# pid %d: looked at in %llu us, longest hold of a lock %llu us\n",
		   cursor->nr, div_u64(snapshot->walk_ns, NSEC_PER_USEC),
		   div_u64(snapshot->hold_ns, NSEC_PER_USEC));
	if (execs)
		seq_printf(m, "# pid %d: exec %llu times, counts are since the last one\n",
			   cursor->nr, execs);
	if (gomem_target_is_exited(target))
		seq_printf(m, "# pid %d: exited, figures as of %llu ms ago\n", cursor->nr,
			   gomem_proc_ms_since(snapshot->seen_ns));
}

static int vmas_show(struct seq_file *m, void *v)
{
	const struct gomem_proc_cursor *cursor = m->private;
	const struct gomem_row *vma;

	if (v == SEQ_START_TOKEN) {
		gomem_rows_title(m, "vmas", ", sizes in kB");
		vmas_header(m);
		return 0;
	}
	vma = gomem_snapshot_row(cursor->snapshot, cursor->row);
	if (vma)
		print_vma(m, cursor, vma);
	else
		vmas_remark(m, cursor);
	return 0;
}

GOMEM_PROC_CURSOR_OPEN(vmas, vmas_next, vmas_show)

const struct proc_ops gomem_proc_vmas_ops = {
	.proc_open = vmas_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
