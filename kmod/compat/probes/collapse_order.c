// SPDX-License-Identifier: GPL-2.0
/* Does khugepaged collapse to several orders, and its tracepoint tell which (7.2)? */
#include <linux/mm.h>
#include <trace/events/huge_memory.h>

static void on_collapse(void *data, struct mm_struct *mm, int isolated, int status,
			unsigned int order)
{
}

void probe(void);
void probe(void)
{
	check_trace_callback_type_mm_collapse_huge_page(on_collapse);
}
