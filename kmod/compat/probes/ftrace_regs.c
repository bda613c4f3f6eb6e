// SPDX-License-Identifier: GPL-2.0
/* Does an ftrace handler get struct ftrace_regs (5.11)? */
#include <linux/ftrace.h>

static void on_call(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		    struct ftrace_regs *regs)
{
}

ftrace_func_t probe(void);
ftrace_func_t probe(void)
{
	return on_call;
}
