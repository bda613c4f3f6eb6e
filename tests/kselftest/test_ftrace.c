// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks that the kernel silences or would: kernel.ftrace_enabled, and kprobes of debugfs. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "kinds.h"
#include "lib.h"
#include "verbs.h"

#define ENABLED "/proc/sys/kernel/ftrace_enabled"
#define KPROBES "/sys/kernel/debug/kprobes/enabled"

static void enable(int on)
{
	if (file_write(ENABLED, "%d", on))
		die("writing %d to " ENABLED " failed", on);
}

static void arm(int on)
{
	if (file_write(KPROBES, "%d", on))
		die("writing %d to " KPROBES " failed", on);
}

static void ftrace(void)
{
	enable(0);
	tap_eq(-EBUSY, "contract", module_load(""), "finit_module", "load while ftrace is off");
	enable(1);
	module_require();
	tap_eq(-EBUSY, "contract", file_write(ENABLED, "0"), ENABLED,
	       "off while hooks are planted");
	tap_eq(1, "as it was", file_number(ENABLED), ENABLED, "refused, it stays on");
}

/* Of the same pages, writes that copy the zero page: N while kprobes are armed. */
static void check_copies(struct target *t, const char *when, const char *state, long copies)
{
	long p = target_call(t, do_map, PAGES(N), MADV_NOHUGEPAGE, 0);

	target_call(t, do_peek, p, PAGES(N), PAGE);
	target_call(t, do_touch, p, PAGES(N), PAGE);
	tap_ok(probe_wait("cow", state), "kprobes %s: cow is %s", when, state);
	tap_ok(probe_wait("fault", "planted"), "kprobes %s: fault, by ftrace, is planted", when);
	tap_eq(copies, "as made", vmas_sum(t->pid, p, PAGES(N), "cow"), "cow, vmas", "kprobes %s",
	       when);
	tap_eq(2 * N, "as made", vmas_sum(t->pid, p, PAGES(N), "faults"), "faults, vmas",
	       "kprobes %s", when);
}

static void kprobes(void)
{
	struct target t = target_start();

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	gomem_add(t.pid);
	check_copies(&t, "on", "planted", N);
	arm(0);
	check_copies(&t, "off", "disarmed", 0);
	arm(1);
	check_copies(&t, "on again", "planted", N);
	gomem_del(t.pid);
	target_kill(&t);
}

int main(int argc, char **argv)
{
	target_main(argc, argv);
	ftrace();
	kprobes();
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	tap_eq(0, "as without the module", file_write(ENABLED, "0"), ENABLED, "off after that");
	enable(1);
	return tap_done();
}
