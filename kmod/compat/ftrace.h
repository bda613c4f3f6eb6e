/* SPDX-License-Identifier: GPL-2.0 */
/* What an ftrace handler gets of its function's arguments. */
#ifndef GOMEM_COMPAT_FTRACE_H
#define GOMEM_COMPAT_FTRACE_H

#include <linux/ftrace.h>
#include <linux/ptrace.h>

/*
 * Permanent: kernel.ftrace_enabled cannot be set to 0 under it. That would silence it, and
 * the kprobes at the entries of functions, without telling.
 */
#ifdef GOMEM_HAS_FTRACE_REGS
#define GOMEM_FTRACE_FLAGS FTRACE_OPS_FL_PERMANENT
#ifndef ftrace_regs_get_argument
#define ftrace_regs_get_argument(fregs, n) regs_get_kernel_argument(&(fregs)->regs, n)
#endif
#else
/* Arguments come with all registers only, and a handler may recurse until it says no. */
#define GOMEM_FTRACE_FLAGS \
	(FTRACE_OPS_FL_PERMANENT | FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_RECURSION_SAFE)
#define ftrace_regs pt_regs
#define ftrace_regs_get_argument(regs, n) regs_get_kernel_argument(regs, n)
#endif

#endif /* GOMEM_COMPAT_FTRACE_H */
