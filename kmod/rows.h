/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text of the contract: header lines and rows, generated from the lists of gomem.h.
 *
 * GOMEM_ROW(vmas, GOMEM_VMAS_COLUMNS) defines struct vmas_row with a member per column,
 * and vmas_header() and vmas_print() for it.
 */
#ifndef GOMEM_ROWS_H
#define GOMEM_ROWS_H

#include <linux/seq_file.h>
#include <linux/types.h>

#include "gomem.h"

/** gomem_rows_title() - the first line; @remark is the rest of it */
void gomem_rows_title(struct seq_file *m, const char *file, const char *remark);

/*
 * One field each: a column's name, or a value, padded to what the column usually takes.
 * A STR may be NULL.
 */
void gomem_rows_name_DEC(struct seq_file *m, const char *name);
void gomem_rows_name_HEX(struct seq_file *m, const char *name);
void gomem_rows_name_STR(struct seq_file *m, const char *name);
void gomem_rows_DEC(struct seq_file *m, const char *name, u64 value);
void gomem_rows_HEX(struct seq_file *m, const char *name, u64 value);
void gomem_rows_STR(struct seq_file *m, const char *name, const char *value);

#define GOMEM_TYPE_DEC u64
#define GOMEM_TYPE_HEX u64
#define GOMEM_TYPE_STR const char *

#define GOMEM_MEMBER(name, type) GOMEM_TYPE_##type name;
#define GOMEM_HEADER(name, type) gomem_rows_name_##type(m, #name);
#define GOMEM_PRINT(name, type) gomem_rows_##type(m, #name, row->name);

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
