// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/module.h>

#include "cgroups.h"
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
		[GOMEM_TARGET_CGROUP] = "cgroup",
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

static void print_target(struct seq_file *m, struct gomem_target *target)
{
	bool is_in_cgroup = target->origin == GOMEM_TARGET_CGROUP;
	char comm[TASK_COMM_LEN];
	struct targets_row row;

	gomem_target_comm(target, comm);
	row = (struct targets_row){
		.pid = pid_vnr(target->pid),
		.comm = comm,
		.state = gomem_proc_state(target),
		.age_ms = gomem_proc_ms_since(target->attached_ns),
		.execs = atomic64_read(&target->execs),
		.follow = target->follow || is_in_cgroup,
		.origin = origin_of(target),
		.parent = pid_vnr(target->parent),
		.unfollowed = atomic64_read(&target->unfollowed),
		.dir = pid_nr(target->pid),
		.go = go_of(target),
	};
	targets_print(m, &row);
}

static void print_cgroup(struct seq_file *m, const struct gomem_cgroups_line *line)
{
	seq_puts(m, "# cgroup ");
	seq_escape(m, line->path, " \t\n\\");
	seq_printf(m, ": %u processes, %u not watched for want of room\n", line->processes,
		   line->unwatched);
}

/* After the last target, a place of a cgroup at a time. */
static void *targets_start(struct seq_file *m, loff_t *pos)
{
	const struct gomem_proc_cursor *cursor = m->private;

	if (*pos && cursor->row && cursor->row <= GOMEM_CGROUPS_MAX)
		return m->private;
	return gomem_proc_cursor_start(m, pos);
}

static void *targets_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct gomem_proc_cursor *cursor = m->private;

	if (!cursor->row && gomem_proc_cursor_next(m, v, pos))
		return cursor;
	++*pos;
	return ++cursor->row <= GOMEM_CGROUPS_MAX ? cursor : NULL;
}

static int targets_show(struct seq_file *m, void *v)
{
	const struct gomem_proc_cursor *cursor = m->private;
	struct gomem_cgroups_line line;

	if (v == SEQ_START_TOKEN) {
		gomem_rows_title(m, "targets", "");
		targets_header(m);
	} else if (!cursor->row) {
		print_target(m, cursor->target);
	} else if (gomem_cgroups_line(cursor->row - 1, &line)) {
		print_cgroup(m, &line);
	}
	return 0;
}

static const struct seq_operations targets_seq = {
	.start = targets_start,
	.next = targets_next,
	.stop = gomem_proc_cursor_stop,
	.show = targets_show,
};

static int targets_open(struct inode *inode, struct file *file)
{
	return gomem_proc_cursor_open(file, &targets_seq, sizeof(struct gomem_proc_cursor));
}

static int parse_follow(const char *option, bool *follow)
{
	*follow = option && !strcmp(option, "follow=1");
	return !option || *follow || !strcmp(option, "follow=0") ? 0 : -EINVAL;
}

static int add(char *rest)
{
	const char *pid = strsep(&rest, " ");
	bool follow;
	int nr;

	if (!pid || !isdigit(*pid) || kstrtoint(pid, 10, &nr) || parse_follow(rest, &follow))
		return -EINVAL;
	return gomem_target_add(nr, follow, GOMEM_TARGET_WRITE);
}

static int del(char *pid)
{
	int nr;

	if (!pid || !isdigit(*pid) || kstrtoint(pid, 10, &nr))
		return -EINVAL;
	return gomem_target_del(nr);
}

static int set_go(char *rest)
{
	const char *pid = strsep(&rest, " ");
	struct gomem_go go;
	int nr;

	if (!pid || !isdigit(*pid) || kstrtoint(pid, 10, &nr))
		return -EINVAL;
	return gomem_go_parse(&rest, &go) ?: gomem_target_set_go(nr, &go);
}

static int add_cgroup(char *path)
{
	return path && *path == '/' ? gomem_cgroups_add(path) : -EINVAL;
}

static int del_cgroup(char *path)
{
	return path && *path == '/' ? gomem_cgroups_del(path) : -EINVAL;
}

static const struct {
	const char *verb;
	int (*run)(char *rest);
} commands[] = {
	{ "add", add },
	{ "del", del },
	{ "go", set_go },
	{ "add-cgroup", add_cgroup },
	{ "del-cgroup", del_cgroup },
};

static int run_command(char *text)
{
	const char *verb = strsep(&text, " ");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(verb, commands[i].verb))
			return commands[i].run(text);
	}
	return -EINVAL;
}

static ssize_t targets_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char text[GOMEM_WORDS_MAX];
	int err;

	/* Neither a privileged writer of another's file, nor a privileged opener's heir. */
	if (!capable(CAP_SYS_ADMIN) || !file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EAGAIN;
	err = gomem_words_copy(text, from, count) ?: run_command(strim(text));
	return err ?: count;
}

const struct proc_ops gomem_proc_targets_ops = {
	.proc_open = targets_open,
	.proc_read = seq_read,
	.proc_write = targets_write,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
