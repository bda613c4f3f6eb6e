// SPDX-License-Identifier: GPL-2.0
#include "rows.h"

#include <linux/sched.h>
#include <linux/string.h>

void gomem_rows_title(struct seq_file *m, const char *file, const char *remark)
{
	seq_printf(m, "# %s %d %s%s\n", GOMEM_PROC_DIR, GOMEM_CONTRACT_VERSION, file, remark);
}

#define DEC_WIDTH 7
#define HEX_WIDTH 12

static int wider(const char *name, int width)
{
	return max_t(int, strlen(name), width);
}

/* Columns whose usual text is longer than their name. */
static int text_width(const char *name)
{
	static const struct {
		const char *name;
		int width;
	} widths[] = {
		{ "comm", TASK_COMM_LEN - 1 },
		{ "event", 10 },
		{ "kind", 7 },
		{ "symbol", 26 },
		{ "type", 9 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		if (!strcmp(name, widths[i].name))
			return widths[i].width;
	}
	return wider(name, 7);
}

void gomem_rows_name_DEC(struct seq_file *m, const char *name)
{
	seq_printf(m, " %*s", wider(name, DEC_WIDTH), name);
}

void gomem_rows_name_HEX(struct seq_file *m, const char *name)
{
	seq_printf(m, " %*s", wider(name, HEX_WIDTH), name);
}

void gomem_rows_name_STR(struct seq_file *m, const char *name)
{
	seq_printf(m, " %-*s", text_width(name), name);
}

void gomem_rows_DEC(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, " %*llu", wider(name, DEC_WIDTH), value);
}

void gomem_rows_HEX(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, " %*llx", wider(name, HEX_WIDTH), value);
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

void gomem_rows_STR(struct seq_file *m, const char *name, const char *value)
{
	int width = text_width(name);

	if (!value || !*value)
		value = "-";
	seq_putc(m, ' ');
	while (*value)
		width -= put_escaped(m, *value++);
	while (width-- > 0)
		seq_putc(m, ' ');
}
