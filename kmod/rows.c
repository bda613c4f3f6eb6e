// SPDX-License-Identifier: GPL-2.0
#include "rows.h"

#include <linux/kernel.h>
#include <linux/string.h>

void gomem_rows_title(struct seq_file *m, const char *file, const char *remark)
{
	seq_printf(m, "# %s %d %s%s\n", GOMEM_PROC_DIR, GOMEM_CONTRACT_VERSION, file, remark);
}

#define NUMBER_MAX 40

/* Right-aligned, after a blank. seq_printf() would take most of the time of a read. */
static void put_number(struct seq_file *m, int width, u64 value, unsigned int base)
{
	char text[NUMBER_MAX];
	char *end = text + sizeof(text), *at = end;

	do {
		*--at = hex_asc[value % base];
		value /= base;
	} while (value);
	while (at > end - width)
		*--at = ' ';
	*--at = ' ';
	seq_write(m, at, end - at);
}

void gomem_rows_DEC(struct seq_file *m, int width, u64 value)
{
	put_number(m, width, value, 10);
}

void gomem_rows_HEX(struct seq_file *m, int width, u64 value)
{
	put_number(m, width, value, 16);
}

static int put_escaped(struct seq_file *m, unsigned char c)
{
	if (c > ' ' && c != '\\' && c != 0x7f) {
		seq_putc(m, c);
		return 1;
	}
	seq_printf(m, "\\%03o", c);
	return 4;
}

void gomem_rows_STR(struct seq_file *m, int width, const char *value)
{
	if (!value || !*value)
		value = "-";
	seq_putc(m, ' ');
	while (*value)
		width -= put_escaped(m, *value++);
	while (width-- > 0)
		seq_putc(m, ' ');
}
