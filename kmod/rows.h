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
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/types.h>

#include "gomem.h"

/** gomem_rows_title() - the first line; @remark is the rest of it */
void gomem_rows_title(struct seq_file *m, const char *file, const char *remark);

/** GOMEM_ROWS_NONE - a number that is not known, written as "-" */
#define GOMEM_ROWS_NONE U64_MAX

#define GOMEM_HEX_WIDTH 12 /* of a user address */
#define GOMEM_DIGITS_MAX 20 /* of a u64 */
#define GOMEM_SHORT_NUMBER 10000000 /* numbers below it fit every column */

/**
 * struct gomem_line - a row on its way into the buffer of a seq_file
 * @start: where it starts; NULL when it has no room
 * @limit: how far text may go, so that there is room for the rest of the row
 */
struct gomem_line {
	char *start;
	char *limit;
};

/**
 * gomem_rows_begin() - a row of at most @room bytes, and what text is longer than its width
 *
 * Its first byte is a blank already.
 */
struct gomem_line gomem_rows_begin(struct seq_file *m, size_t room);

/** gomem_rows_end() - the row is whole, but for its line feed, and ends at @end */
void gomem_rows_end(struct seq_file *m, const struct gomem_line *line, char *end);

/** gomem_rows_number() - one number after a blank, right aligned in @width. Return: its end */
char *gomem_rows_number(char *at, int width, u64 value);

/*
 * One value each at @at, after a blank and padded to @width, at least 7; of numbers, at
 * most 15. A STR may be NULL. Return: where it ends.
 */
char *gomem_rows_HEX(struct gomem_line *line, char *at, int width, u64 value);
char *gomem_rows_STR(struct gomem_line *line, char *at, int width, const char *value);

/* Most numbers of most rows are 0: a blank and a zero are one store or two. */
static __always_inline char *gomem_rows_DEC(struct gomem_line *line, char *at, int width, u64 value)
{
	if (value)
		return gomem_rows_number(at, width, value);
	if (width > 7)
		memcpy(at, "        ", 8);
	memcpy(at + width - 7, "       0", 8);
	return at + width + 1;
}

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
#define GOMEM_WIDTH_HEX(name) GOMEM_HEX_WIDTH
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
#define GOMEM_PRINT_AS(name, type, value) \
	at = gomem_rows_##type(&line, at, GOMEM_WIDTH(name, type), value);
#define GOMEM_PRINT(name, type) GOMEM_PRINT_AS(name, type, row->name)

/* What a column takes at most, but for text longer than its width. */
#define GOMEM_ROOM_DEC GOMEM_DIGITS_MAX
#define GOMEM_ROOM_HEX 16
#define GOMEM_ROOM_STR 8 /* an escaped character, or what is stored at once */
#define GOMEM_ROOM(name, type) room += 1 + GOMEM_WIDTH(name, type) + GOMEM_ROOM_##type;

/* file_header(), and file_begin() for who prints the columns himself, by GOMEM_PRINT_AS(). */
#define GOMEM_ROW_LINES(file, COLUMNS)                            \
	static void file##_header(struct seq_file *m)             \
	{                                                         \
		seq_putc(m, '#');                                 \
		COLUMNS(GOMEM_HEADER)                             \
		seq_putc(m, '\n');                                \
	}                                                         \
	static struct gomem_line file##_begin(struct seq_file *m) \
	{                                                         \
		size_t room = 2;                                  \
		COLUMNS(GOMEM_ROOM)                               \
		return gomem_rows_begin(m, room);                 \
	}

#define GOMEM_ROW(file, COLUMNS)                                                   \
	struct file##_row {                                                        \
		COLUMNS(GOMEM_MEMBER)                                              \
	};                                                                         \
	GOMEM_ROW_LINES(file, COLUMNS)                                             \
	static void file##_print(struct seq_file *m, const struct file##_row *row) \
	{                                                                          \
		struct gomem_line line = file##_begin(m);                          \
		char *at = line.start + 1;                                         \
		if (line.start) {                                                  \
			COLUMNS(GOMEM_PRINT)                                       \
		}                                                                  \
		gomem_rows_end(m, &line, at);                                      \
	}

#endif /* GOMEM_ROWS_H */
