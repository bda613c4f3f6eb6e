/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a program's Go runtime keeps the current goroutine, as user space found out and
 * says in /proc/gomem/targets. Offsets into runtime.g and runtime.m (Go src/runtime/runtime2.go).
 */
#ifndef GOMEM_GO_H
#define GOMEM_GO_H

#include <linux/types.h>

#define GOMEM_GO_OFFSET_MAX 65528
#define GOMEM_GO_TLS_MAX 1048576

/**
 * struct gomem_go - where things are; offsets in bytes, multiples of 8, at most GOMEM_GO_OFFSET_MAX
 * @in_r14: the current g is in register r14 (Go 1.17 and later), else at @tls
 * @tls: its distance from the thread pointer, fsbase; at most GOMEM_GO_TLS_MAX either way
 * @m: g.m, the thread it runs on
 * @curg: m.curg, the goroutine of that thread, also while it runs on g0 or gsignal
 * @goid: g.goid
 * @labels: g.labels, see runtime/pprof
 * @stack: g.stack, lo and hi
 * @sched_pc: g.sched.pc, where it left its stack
 * @sched_bp: g.sched.bp
 */
struct gomem_go {
	bool in_r14;
	s32 tls;
	u16 m;
	u16 curg;
	u16 goid;
	u16 labels;
	u16 stack;
	u16 sched_pc;
	u16 sched_bp;
};

/**
 * gomem_go_parse() - "tls=N m=N curg=N goid=N labels=N stack=N sched_pc=N sched_bp=N"
 * @words: the rest of a line, as gomem_words_next() takes it
 * @go: what it says
 *
 * Decimal, in any order, each once, and "reg=r14" in place of tls=.
 *
 * Return: 0, or -EINVAL.
 */
int gomem_go_parse(char **words, struct gomem_go *go);

#endif /* GOMEM_GO_H */
