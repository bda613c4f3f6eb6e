/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text of the contract: header lines and rows, generated from the lists of gomem.h.
 *
 * GOMEM_ROW(vmas, GOMEM_VMAS_COLUMNS) defines struct vmas_row with a member per column,
 * and vmas_header() and vmas_print() for it.
 */
#ifndef GOMEM_ROWS_H
#define GOMEM_ROWS_H

#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/types.h>

#include "gomem.h"

/** gomem_rows_title() - the first line; @remark is the rest of it */
void gomem_rows_title(struct seq_file *m, const char *file, const char *remark);

/* One value each, after a blank and padded to @width. A STR may be NULL. */
void gomem_rows_DEC(struct seq_file *m, int width, u64 value);
void gomem_rows_HEX(struct seq_file *m, int width, u64 value);
void gomem_rows_STR(struct seq_file *m, int width, const char *value);

/** gomem_rows_width() - what a text column usually takes; a constant when compiled */
static __always_inline int gomem_rows_width(const char *name)
{
	if (!__builtin_strcmp(name, "comm"))
		return TASK_COMM_LEN - 1;
	if (!__builtin_strcmp(name, "symbol"))
		return 26;
	if (!__builtin_strcmp(name, "event") || !__builtin_strcmp(name, "type"))
		return 10;
	if (!__builtin_strcmp(name, "kind"))
		return 13;
	if (!__builtin_strcmp(name, "scope"))
		return 20;
	if (!__builtin_strcmp(name, "item"))
		return 32;
	return 7;
}

#define GOMEM_WIDTH_DEC(name) 7
#define GOMEM_WIDTH_HEX(name) 12
#define GOMEM_WIDTH_STR(name) gomem_rows_width(name)
#define GOMEM_WIDTH(name, type) max_t(int, sizeof(#name) - 1, GOMEM_WIDTH_##type(#name))

#define GOMEM_ALIGN_DEC " %*s"
#define GOMEM_ALIGN_HEX " %*s"
#define GOMEM_ALIGN_STR " %-*s"

#define GOMEM_TYPE_DEC u64
#define GOMEM_TYPE_HEX u64
#define GOMEM_TYPE_STR const char *

#define GOMEM_MEMBER(name, type) GOMEM_TYPE_##type name;
#define GOMEM_HEADER(name, type) seq_printf(m, GOMEM_ALIGN_##type, GOMEM_WIDTH(name, type), #name);
#define GOMEM_PRINT(name, type) gomem_rows_##type(m, GOMEM_WIDTH(name, type), row->name);

#define GOMEM_ROW(file, COLUMNS)                                                   \
	struct file##_row {                                                        \
		COLUMNS(GOMEM_MEMBER)                                              \
	};                                                                         \
	static void file##_header(struct seq_file *m)                              \
	{                                                                          \
		seq_putc(m, '#');                                                  \
		COLUMNS(GOMEM_HEADER)                                              \
		seq_putc(m, '\n');                                                 \
	}                                                                          \
	static void file##_print(struct seq_file *m, const struct file##_row *row) \
	{                                                                          \
		seq_putc(m, ' ');                                                  \
		COLUMNS(GOMEM_PRINT)                                               \
		seq_putc(m, '\n');                                                 \
	}

#endif /* GOMEM_ROWS_H */
