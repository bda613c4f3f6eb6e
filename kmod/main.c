// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "gomem.h"
#include "hooks.h"
#include "proc.h"
#include "stacks.h"
#include "target.h"

static int target_pid[GOMEM_TARGETS_MAX];
static unsigned int target_pid_count;
module_param_array(target_pid, int, &target_pid_count, 0400);
MODULE_PARM_DESC(target_pid, "processes to watch, a list of pids");

static bool follow;
module_param(follow, bool, 0400);
MODULE_PARM_DESC(follow, "watch the children of target_pid as well");

static const char *reason(int err)
{
	switch (err) {
	case -ESRCH:
		return "there is no such process, or it is exiting";
	case -EINVAL:
		return "it is a kernel thread";
	case -EEXIST:
		return "it is named twice";
	case -ENOMEM:
		return "out of memory";
	default:
		return "unexpected error";
	}
}

static const char *why_no_hooks(int err)
{
	return err == -EBUSY ? "kernel.ftrace_enabled is 0" : "does this kernel have kprobes?";
}

static int add_targets(void)
{
	unsigned int i;

	for (i = 0; i < target_pid_count; i++) {
		int err = gomem_target_add(target_pid[i], follow, GOMEM_TARGET_PARAM);

		if (err) {
			pr_err("cannot watch target_pid=%d: %s (%d)\n", target_pid[i], reason(err),
			       err);
			return err;
		}
	}
	return 0;
}

static int __init gomem_init(void)
{
	int err = gomem_target_init(&gomem_proc_listener);

	if (err)
		return err;
	err = gomem_stacks_init();
	if (err)
		goto exit_target;
	err = gomem_hooks_init();
	if (err) {
		pr_err("no hook could be planted (%d); %s\n", err, why_no_hooks(err));
		goto exit_stacks;
	}
	err = gomem_proc_init(gomem_hooks_probe);
	if (err)
		goto exit_hooks;
	err = add_targets();
	if (err)
		goto exit_proc;
	return 0;

exit_proc:
	gomem_proc_exit();
exit_hooks:
	gomem_hooks_exit();
exit_stacks:
	gomem_stacks_exit();
exit_target:
	gomem_target_exit();
	return err;
}

static void __exit gomem_exit(void)
{
	gomem_proc_exit();
	gomem_hooks_exit();
	gomem_stacks_exit();
	gomem_target_exit();
}

module_init(gomem_init);
module_exit(gomem_exit);

MODULE_DESCRIPTION("Where the memory of a process went, by page and by event");
MODULE_LICENSE("GPL");
MODULE_VERSION(GOMEM_VERSION);
