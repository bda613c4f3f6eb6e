// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Goroutines in /proc/gomem/stacks, found in memory laid out as a layout says that no Go has;
 * and what is refused as a layout.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "chains.h"
#include "lib.h"
#include "stackrows.h"
#include "verbs.h"

#define USERS_MAX 32768 /* of the table */

static void say_go(pid_t pid, const char *place, const char *name)
{
	tap_eq(0, "asked", file_write("/proc/gomem/targets", "go %d %s " LAYOUT "\n", pid, place),
	       "write", "%s: the layout is taken", name);
}

/* One more touch, on this g, counts for this goroutine with these frames. */
static void check_g(struct target *t, long addr, const struct goroutine *g, const char *frames,
		    unsigned long rbp, long goid, const char *name)
{
	struct where w = { t->pid, "anon_fault", frames, t->pid, goid, goid ? goid << 12 : 0 };
	long before = rows_sum(&w).count;

	target_call(t, do_bare, addr, rbp, (long)g);
	tap_eq(before + 1, "one touch more", rows_sum(&w).count, "stacks",
	       "%s: goroutine %ld, its frames", name, goid);
}

static void make_goroutine(void)
{
	struct frame *deep = shared->deep;
	int i;

	for (i = 0; i < 4; i++)
		deep[i] = (struct frame){ (unsigned long)&deep[i + 1], 0x10000 + i };
	deep[3].next = 0;
	shared->m = (struct machine){ .curg = (unsigned long)&shared->user };
	shared->user = (struct goroutine){
		.lo = (unsigned long)&deep[2],
		.hi = (unsigned long)&deep[4],
		.goid = 42,
		.m = &shared->m,
		.labels = 42 << 12,
		.pc = 0x20000,
		.bp = (unsigned long)&deep[3],
	};
	shared->g0 = (struct goroutine){ .m = &shared->m };
}

/* @pages: fresh ones from @p on. Frames 0 and 1 are g0's, 2 and 3 the goroutine's. */
static void check_goroutine(struct target *t, long p, const char *name)
{
	unsigned long here = (unsigned long)bare_here, g0 = (unsigned long)shared->deep;
	const unsigned long own[] = { here, 0x10002, 0x10003 };
	const unsigned long crossed[] = { here, 0x10000, 0x10001, 0x10002, 0x10003 };
	const unsigned long left[] = { here, 0x10000, 0x10001, 0x20000, 0x10003 };
	struct goroutine *kernel = (void *)0xffff888000000000;
	struct goroutine *hole = (void *)(p - 2 * PAGE);

	make_goroutine();
	check_g(t, p, &shared->user, text_of(own, 3), g0 + 2 * sizeof(struct frame), 42, name);
	check_g(t, p + PAGE, &shared->g0, text_of(crossed, 5), g0, 42, "on g0, by its frames");
	shared->deep[1].next = 0;
	check_g(t, p + 2 * PAGE, &shared->g0, text_of(left, 5), g0, 42, "on g0, by g.sched");
	shared->user.hi = 0;
	shared->user.pc = 0;
	check_g(t, p + 3 * PAGE, &shared->g0, text_of(left, 3), g0, 42,
		"on g0, nothing in g.sched");
	shared->m.curg = 0;
	check_g(t, p + 4 * PAGE, &shared->g0, text_of(left, 3), g0, 0, "a thread without any");
	check_g(t, p + 5 * PAGE, NULL, text_of(left, 3), g0, 0, "g 0");
	check_g(t, p + 6 * PAGE, kernel, text_of(left, 3), g0, 0, "g in the kernel");
	check_g(t, p + 7 * PAGE, hole, text_of(left, 3), g0, 0, "g in PROT_NONE");
	check_g(t, p + 8 * PAGE, (void *)((long)&shared->g0 + 4), text_of(left, 3), g0, 0,
		"g unaligned");
}

static void test_goroutine(void)
{
	struct target t = stacks_target();
	long p = target_call(&t, do_map, HUGE, 0, 0);
	char tls[32];

	set_rate(1);
	check_field(t.pid, "go", "-", "before the layout");
	say_go(t.pid, "reg=r14", "r14");
	check_field(t.pid, "go", "r14", "r14");
	check_goroutine(&t, p, "r14");
	snprintf(tls, sizeof(tls), "tls=%ld", target_call(&t, do_tls, 0, 0, 0));
	say_go(t.pid, tls, "tls");
	check_field(t.pid, "go", "tls", "tls");
	check_goroutine(&t, p + MB, "tls");
	target_exec(&t);
	check_field(t.pid, "go", "-", "after exec");
	stacks_stop(&t);
}

static void test_layouts(void)
{
	static const struct {
		const char *words;
		int err;
	} lines[] = {
		{ "tls=-8 " LAYOUT, 0 },
		{ LAYOUT " tls=-1048576", 0 },
		{ "tls=8 m=0 curg=65528 goid=8 labels=8 stack=8 sched_pc=8 sched_bp=8", 0 },
		{ "", EINVAL },
		{ LAYOUT, EINVAL },
		{ "tls=-8", EINVAL },
		{ "tls=-8 reg=r14 " LAYOUT, EINVAL },
		{ "tls=-8 tls=-8 " LAYOUT, EINVAL },
		{ "tls=-8 m=24 " LAYOUT, EINVAL },
		{ "tls=-8 " LAYOUT " more=8", EINVAL },
		{ "tls=-8 " LAYOUT " more", EINVAL },
		{ "tls=-4 " LAYOUT, EINVAL },
		{ "tls=1048584 " LAYOUT, EINVAL },
		{ "tls=-1048584 " LAYOUT, EINVAL },
		{ "tls=-2147483648 " LAYOUT, EINVAL },
		{ "tls= " LAYOUT, EINVAL },
		{ "tls " LAYOUT, EINVAL },
		{ "reg=r15 " LAYOUT, EINVAL },
		{ "reg " LAYOUT, EINVAL },
		{ "tls=8 m=4 curg=8 goid=8 labels=8 stack=8 sched_pc=8 sched_bp=8", EINVAL },
		{ "tls=8 m=65536 curg=8 goid=8 labels=8 stack=8 sched_pc=8 sched_bp=8", EINVAL },
		{ "tls=8 m=-8 curg=8 goid=8 labels=8 stack=8 sched_pc=8 sched_bp=8", EINVAL },
	};
	struct target t = stacks_target();
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		err = file_write("/proc/gomem/targets", "go %d %s\n", t.pid, lines[i].words);
		tap_eq(lines[i].err, "contract", -err, "errno of write", "go: %s", lines[i].words);
	}
	err = file_write("/proc/gomem/targets", "go %d tls=-8 " LAYOUT "\n", getpid());
	tap_eq(ENOENT, "contract", -err, "errno of write", "go: of no target");
	stacks_stop(&t);
}

/* More goroutines than places: some lose their number, none its faults. */
static void test_merged(void)
{
	struct target t = stacks_target();
	long n = USERS_MAX, p = target_call(&t, do_map, PAGES(n), 0, 0), dropped;
	const unsigned long here = (unsigned long)bare_here;
	struct where w = { t.pid, "anon_fault", NULL, -1, -1, -1 };

	make_goroutine();
	set_rate(1);
	say_go(t.pid, "reg=r14", "merged");
	dropped = remark(" dropped");
	target_call(&t, do_many_goroutines, p, n, 0);
	w.frames = text_of(&here, 1);
	tap_eq(n, "pages touched", rows_sum(&w).count, "stacks", "merged: count");
	tap_ok(remark(" merged") > 0, "merged: some are, and it says so");
	w.goid = 0;
	w.tid = 0;
	tap_eq(remark(" merged"), "as it says", rows_sum(&w).count, "stacks", "merged: those");
	tap_eq(dropped, "none", remark(" dropped"), "stacks", "merged: dropped");
	stacks_stop(&t);
}

int main(int argc, char **argv)
{
	chains_init();
	target_main(argc, argv);
	mm_quiet();
	module_require();
	test_goroutine();
	test_layouts();
	test_merged();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	return tap_done();
}
