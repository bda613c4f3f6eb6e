// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/gomem/stacks: stacks, counts and sizes known by construction, garbage, a full table. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "chains.h"
#include "lib.h"
#include "stackrows.h"
#include "verbs.h"

#define STACKS_MAX 16384 /* of the table */

static void test_off(void)
{
	struct target t = stacks_target();
	long p = target_call(&t, do_map, HUGE, 0, 0);

	target_call(&t, do_chain_touch, p, 10, 0);
	tap_eq(0, "rate, as loaded", file_number(RATE), RATE, "off: the parameter");
	tap_eq(0, "nothing wanted",
	       rows_sum(&(struct where){ t.pid, .tid = -1, .goid = -1, .labels = -1 }).rows,
	       "rows, stacks", "off: rows");
	tap_eq(0, "no table yet", remark(" users of"), "users", "off: users");
	stacks_stop(&t);
}

static void test_rate(void)
{
	static const char *const bad[] = { "-1", "x", "4294967296", "1 2", "" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		tap_ok(file_write(RATE, "%s\n", bad[i]) < 0, "rate: \"%s\" is refused", bad[i]);
	set_rate(3);
	tap_eq(3, "written", file_number(RATE), RATE, "rate: 3 is kept");
}

static void test_chain(void)
{
	struct target t = stacks_target();
	long p = target_call(&t, do_map, HUGE, 0, 0);
	struct where w = { t.pid, "anon_fault", NULL, t.pid, 0, 0 };

	set_rate(1);
	target_call(&t, do_chain_touch, p, 100, 0);
	w.frames = chain_text(touch_here);
	check_row(&w, 100, 100 * PAGE_KB, "4 frames");
	target_call(&t, do_chain_touch, p, 100, 0);
	check_row(&w, 100, 100 * PAGE_KB, "4 frames, pages there already");
	target_call(&t, do_chain_touch, p + PAGES(100), 50, 0);
	check_row(&w, 150, 150 * PAGE_KB, "4 frames, 50 more");
	target_call(&t, do_chain_peek, p + PAGES(200), 7, 0);
	w.frames = chain_text(peek_here);
	w.kind = "zero_fault";
	check_row(&w, 7, 7 * PAGE_KB, "4 frames, read");
	stacks_stop(&t);
}

static void test_huge(void)
{
	struct target t = stacks_target();
	long p = target_call(&t, do_map, 2 * HUGE, MADV_HUGEPAGE, 0);
	struct where w = { t.pid, "huge_fault", NULL, t.pid, 0, 0 };

	set_rate(1000);
	target_call(&t, do_chain_touch, p, 1, 0);
	w.frames = chain_text(touch_here);
	check_row(&w, 1, HUGE_KB, "a huge page, at any rate");
	stacks_stop(&t);
}

static void test_calls(void)
{
	struct target t = stacks_target();
	struct where w = { t.pid, "mmap", NULL, t.pid, 0, 0 };
	long p;

	set_rate(1000);
	p = target_call(&t, do_chain_mmap, 3 * MB, 0, 0);
	w.frames = chain_text(entered_here);
	check_row(&w, 1, 3 * MB / KB, "mmap, at any rate");
	target_call(&t, do_chain_madvise, p, MB, MADV_DONTNEED);
	w.frames = chain_text(entered_here);
	w.kind = "dontneed";
	check_row(&w, 1, MB / KB, "madvise, at any rate");
	stacks_stop(&t);
}

static void test_sampling(void)
{
	struct target t = stacks_target();
	long p = target_call(&t, do_map, 3 * HUGE, 0, 0);
	struct where w = { t.pid, "anon_fault", NULL, t.pid, 0, 0 };
	struct sum sum;

	set_rate(7);
	target_call(&t, do_chain_touch, p, 700, 0);
	w.frames = chain_text(touch_here);
	sum = rows_sum(&w);
	tap_ok(sum.count % 7 == 0 && labs(sum.count - 700) <= 7,
	       "1 in 7: expected 700 (pages touched) within 7, got %ld (stacks)", sum.count);
	tap_eq(sum.count * PAGE_KB, "kB of as many pages", sum.kb, "stacks", "1 in 7: size");
	set_rate(0);
	target_call(&t, do_chain_touch, p + PAGES(700), 100, 0);
	tap_eq(sum.count, "as before", rows_sum(&w).count, "stacks", "then off: count");
	set_rate(1);
	target_call(&t, do_chain_touch, p + PAGES(800), 100, 0);
	tap_eq(sum.count + 100, "100 more", rows_sum(&w).count, "stacks", "then each: count");
	stacks_stop(&t);
}

static void test_threads(void)
{
	struct target t = stacks_target();
	long p = target_call(&t, do_map, HUGE, 0, 0);
	struct where w = { t.pid, "anon_fault", NULL, 0, 0, 0 };

	set_rate(1);
	target_call(&t, do_threads, p, 20, 0);
	w.frames = chain_text(touch_here);
	w.tid = shared->tids[0];
	check_row(&w, 20, 20 * PAGE_KB, "a thread");
	w.tid = shared->tids[1];
	check_row(&w, 40, 40 * PAGE_KB, "another thread, the same stack");
	stacks_stop(&t);
}

/* What we write into the target is no doing of its code. */
static void test_remote(void)
{
	struct target t = stacks_target();
	struct where any = { t.pid, NULL, NULL, -1, -1, -1 };
	long p = target_call(&t, do_map, HUGE, 0, 0);
	char text[2 * PAGE];
	struct iovec from = { text, sizeof(text) }, to = { (void *)p, sizeof(text) };
	long before;

	memset(text, 1, sizeof(text));
	set_rate(1);
	before = rows_sum(&any).count;
	tap_eq(sizeof(text), "asked", process_vm_writev(t.pid, &from, 1, &to, 1, 0),
	       "process_vm_writev", "remote: bytes");
	tap_eq(before, "as before", rows_sum(&any).count, "stacks", "remote: count");
	stacks_stop(&t);
}

/* A page that is touched with @rbp has just @pcs as its stack. */
static void check_bare(struct target *t, long addr, unsigned long rbp, int n, const char *name)
{
	unsigned long frames[FRAMES_MAX] = { (unsigned long)bare_here };
	struct where w = { t->pid, "anon_fault", NULL, t->pid, 0, 0 };
	long before;
	int i;

	for (i = 1; i < n; i++)
		frames[i] = shared->deep[(i - 1) % DEEP].pc;
	w.frames = text_of(frames, n);
	before = rows_sum(&w).count;
	target_call(t, do_bare, addr, rbp, 0);
	tap_eq(before + 1, "one touch more", rows_sum(&w).count, "stacks", "%s: count", name);
}

static void test_garbage(void)
{
	struct target t = stacks_target();
	long p = target_call(&t, do_map, HUGE, 0, 0), hole = p - 2 * PAGE, unreadable;
	struct frame *deep = shared->deep;
	static const struct {
		unsigned long rbp;
		const char *name;
	} ends[] = {
		{ 0, "rbp 0" },
		{ 8, "rbp 8" },
		{ 4095, "rbp in the first page" },
		{ 0xffffffff81000000, "rbp in the kernel" },
		{ 0xffff888000000000, "rbp in the kernel's map of memory" },
		{ 0x0000800000000000, "rbp just past user space" },
		{ 0x00007ffffffffff8, "rbp at the last word" },
		{ 0x00007fffffffeff8, "rbp at the last word of user space" },
		{ 0xfffffffffffffff8, "rbp -8" },
		{ 0x7000000000000000, "rbp of no canonical address" },
	};
	size_t i;

	set_rate(1);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		check_bare(&t, p + PAGES(i), ends[i].rbp, 1, ends[i].name);
	unreadable = remark(" unreadable");
	check_bare(&t, p + PAGES(20), hole, 1, "rbp in PROT_NONE");
	tap_eq(unreadable + 1, "one more", remark(" unreadable"), "stacks", "it was unreadable");
	check_bare(&t, p + PAGES(21), p + PAGES(100), 1, "rbp in a page not there yet");
	tap_eq(unreadable + 2, "one more", remark(" unreadable"), "stacks", "it was unreadable");
	check_bare(&t, p + PAGES(22), (unsigned long)deep + 1, 1, "rbp unaligned");
	for (i = 0; i < DEEP; i++)
		deep[i] = (struct frame){ (unsigned long)&deep[i + 1], 0x10000 + i };
	deep[0].next = (unsigned long)deep;
	check_bare(&t, p + PAGES(23), (unsigned long)deep, 2, "a frame that is its own next");
	deep[0].next = (unsigned long)&deep[1];
	deep[1].next = 0xffffffff81000000;
	check_bare(&t, p + PAGES(24), (unsigned long)deep, 3, "a next in the kernel");
	deep[1].next = (unsigned long)&deep[2];
	deep[2].pc = 0xffffffff81000000;
	check_bare(&t, p + PAGES(25), (unsigned long)deep, 3, "a pc in the kernel");
	deep[2].pc = 0x10002;
	check_bare(&t, p + PAGES(26), (unsigned long)deep, FRAMES_MAX, "100 frames");
	stacks_stop(&t);
}

static void test_end(void)
{
	struct target t = stacks_target();
	struct where any = { t.pid, NULL, NULL, -1, -1, -1 }, w;
	long p = target_call(&t, do_map, HUGE, 0, 0);

	set_rate(1);
	target_call(&t, do_chain_touch, p, 10, 0);
	w = (struct where){ t.pid, "anon_fault", chain_text(touch_here), -1, -1, -1 };
	tap_eq(10, "as made", rows_sum(&w).count, "stacks", "before exec: count");
	target_exec(&t);
	tap_eq(0, "forgotten", rows_sum(&w).count, "stacks", "after exec: count");
	tap_ok(rows_sum(&any).count > 0, "after exec: the new program has rows");
	gomem_del(t.pid);
	tap_eq(0, "forgotten", rows_sum(&any).rows, "rows, stacks", "after del: rows");
	set_rate(0);
	gomem_add(t.pid);
	tap_eq(0, "nothing yet", rows_sum(&any).rows, "rows, stacks", "added again: rows");
	stacks_stop(&t);
}

static void test_exit(void)
{
	struct target t = stacks_target();
	struct where w = { t.pid, "anon_fault", NULL, -1, -1, -1 };
	long p = target_call(&t, do_map, HUGE, 0, 0);
	pid_t pid = t.pid;

	set_rate(1);
	target_call(&t, do_chain_touch, p, 10, 0);
	w.frames = chain_text(touch_here);
	target_exit(&t);
	tap_eq(10, "as made", rows_sum(&w).count, "stacks", "after exit: count");
	gomem_del(pid);
}

/* Of other targets than the one that was deleted */
#define FEW 1000

/* Wait until a sweep gave the places of deleted targets back, which takes it a while. */
static void wait_for_room(struct target *t)
{
	long p = target_call(t, do_map, PAGES(200), 0, 0);
	int i;

	for (i = 0; i < 100 && remark(" stacks") >= FEW; i++) {
		target_call(t, do_bare, p + PAGES(i), 0, 0);
		usleep(200000);
	}
}

static void test_full(void)
{
	struct target t = stacks_target(), other;
	long n = STACKS_MAX + 1000, p = target_call(&t, do_map, PAGES(n), 0, 0), dropped;
	struct where any = { t.pid, "anon_fault", NULL, -1, -1, -1 };

	set_rate(1);
	dropped = remark(" dropped");
	target_call(&t, do_many_stacks, p, n, 0);
	tap_eq(STACKS_MAX, "of the table", remark(" stacks"), "stacks", "full: stacks");
	tap_ok(remark(" dropped") >= dropped + 1000, "full: what found no place is counted");
	tap_ok(rows_sum(&any).count + remark(" dropped") - dropped >= n,
	       "full: kept and dropped are all there were");
	other = stacks_target();
	stacks_stop(&t);
	wait_for_room(&other);
	tap_ok(remark(" stacks") < FEW, "full: deleted, its places are free again (%ld in use)",
	       remark(" stacks"));
	p = target_call(&other, do_map, HUGE, 0, 0);
	target_call(&other, do_many_stacks, p, 100, 0);
	any = (struct where){ other.pid, "anon_fault", NULL, -1, -1, -1 };
	tap_ok(rows_sum(&any).rows >= 100, "full: and used again");
	stacks_stop(&other);
}

static void test_loaded(void)
{
	tap_eq(0, "asked", module_unload(), "delete_module", "unload with a table");
	tap_eq(0, "asked", module_load("stacks=2"), "finit_module", "load with stacks=2");
	tap_eq(2, "asked", file_number(RATE), RATE, "load with stacks=2: the parameter");
	tap_ok(module_load("stacks=-1") < 0, "load twice, with a bad rate");
	tap_eq(0, "asked", module_unload(), "delete_module", "unload again");
	tap_eq(-EINVAL, "contract", module_load("stacks=x"), "finit_module", "load with stacks=x");
}

int main(int argc, char **argv)
{
	chains_init();
	target_main(argc, argv);
	mm_quiet();
	module_require();
	test_off();
	test_rate();
	test_chain();
	test_huge();
	test_sampling();
	test_threads();
	test_remote();
	test_garbage();
	test_end();
	test_exit();
	test_full();
	test_calls();
	test_loaded();
	return tap_done();
}
