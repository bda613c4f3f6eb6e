// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/module.h>

#include "proc_cursor.h"
#include "proc_fields.h"
#include "rows.h"
#include "words.h"

GOMEM_ROW(targets, GOMEM_TARGETS_COLUMNS)

static const char *origin_of(const struct gomem_target *target)
{
	static const char *const names[] = {
		[GOMEM_TARGET_PARAM] = "param",
		[GOMEM_TARGET_WRITE] = "write",
		[GOMEM_TARGET_FORK] = "fork",
	};

	return names[target->origin];
}

static const char *go_of(const struct gomem_target *target)
{
	const struct gomem_go *go = gomem_target_go(target, READ_ONCE(target->image));

	if (!go)
		return NULL;
	return go->in_r14 ? "r14" : "tls";
}

static int targets_show(struct seq_file *m, void *v)
{
	struct gomem_target *target = ((struct gomem_proc_cursor *)m->private)->target;
	char comm[TASK_COMM_LEN];
	struct targets_row row;

	if (v == SEQ_START_TOKEN) {
		gomem_rows_title(m, "targets", "");
		targets_header(m);
		return 0;
	}
	gomem_target_comm(target, comm);
	row = (struct targets_row){
		.pid = pid_vnr(target->pid),
		.comm = comm,
		.state = gomem_proc_state(target),
		.age_ms = gomem_proc_ms_since(target->attached_ns),
		.execs = atomic64_read(&target->execs),
		.follow = target->follow,
		.origin = origin_of(target),
		.parent = pid_vnr(target->parent),
		.unfollowed = atomic64_read(&target->unfollowed),
		.dir = pid_nr(target->pid),
		.go = go_of(target),
	};
	targets_print(m, &row);
	return 0;
}

GOMEM_PROC_CURSOR_OPEN(targets, gomem_proc_cursor_next, targets_show)

static int parse_follow(const char *option, bool *follow)
{
	*follow = option && !strcmp(option, "follow=1");
	return !option || *follow || !strcmp(option, "follow=0") ? 0 : -EINVAL;
}

static int set_go(pid_t nr, char *words)
{
	struct gomem_go go;

	return gomem_go_parse(&words, &go) ?: gomem_target_set_go(nr, &go);
}

/* "add PID [follow=0|1]", "del PID", or "go PID" and the words of gomem_go_parse() */
static int run_command(char *command)
{
	const char *verb = strsep(&command, " "), *pid = strsep(&command, " ");
	bool follow;
	int nr;

	if (!pid || !isdigit(*pid) || kstrtoint(pid, 10, &nr))
		return -EINVAL;
	if (!strcmp(verb, "go"))
		return set_go(nr, command);
	if (parse_follow(command, &follow))
		return -EINVAL;
	if (!strcmp(verb, "add"))
		return gomem_target_add(nr, follow, GOMEM_TARGET_WRITE);
	if (!strcmp(verb, "del") && !command)
		return gomem_target_del(nr);
	return -EINVAL;
}

static ssize_t targets_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char command[GOMEM_WORDS_MAX];
	int err;

	/* Neither a privileged writer of another's file, nor a privileged opener's heir. */
	if (!capable(CAP_SYS_ADMIN) || !file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EAGAIN;
	err = gomem_words_copy(command, from, count);
	if (!err)
		err = run_command(strim(command));
	return err ?: count;
}

const struct proc_ops gomem_proc_targets_ops = {
	.proc_open = targets_open,
	.proc_read = seq_read,
	.proc_write = targets_write,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
