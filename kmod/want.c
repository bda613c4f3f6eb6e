// SPDX-License-Identifier: GPL-2.0
#include "want.h"

#include <linux/build_bug.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "words.h"

static_assert(GOMEM_KINDS_MAX <= 64);

void gomem_want_init(struct gomem_want *want)
{
	*want = (struct gomem_want){ .kinds = GENMASK_ULL(GOMEM_KINDS_MAX - 1, 0) };
}

void gomem_want_deinit(struct gomem_want *want)
{
	put_pid(want->pid);
}

static int kind_of(const char *name, size_t length)
{
#define NAME(kind) #kind,
	static const char *const names[] = { GOMEM_KINDS(NAME) };
#undef NAME
	int kind;

	for (kind = 0; kind < GOMEM_KINDS_MAX; kind++) {
		if (strlen(names[kind]) == length && !memcmp(names[kind], name, length))
			return kind;
	}
	return -EINVAL;
}

static int set_kinds(struct gomem_want *want, const char *names)
{
	want->kinds = 0;
	for (;; names++) {
		size_t length = strcspn(names, ",");
		int kind = kind_of(names, length);

		if (kind < 0)
			return kind;
		want->kinds |= BIT_ULL(kind);
		names += length;
		if (!*names)
			return 0;
	}
}

static int set_pid(struct gomem_want *want, const char *value)
{
	struct task_struct *task;
	struct pid *pid;
	int nr;

	if (!isdigit(*value) || kstrtoint(value, 10, &nr))
		return -EINVAL;
	pid = find_get_pid(nr);
	task = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!task)
		return -ESRCH;
	put_pid(want->pid);
	want->pid = get_task_pid(task, PIDTYPE_TGID);
	put_task_struct(task);
	return want->pid ? 0 : -ESRCH;
}

static int set_word(struct gomem_want *want, const struct gomem_word *word)
{
	if (!word->value)
		return -EINVAL;
	if (!strcmp(word->key, "kinds"))
		return set_kinds(want, word->value);
	if (!strcmp(word->key, "pid"))
		return set_pid(want, word->value);
	return -EINVAL;
}

int gomem_want_parse(struct gomem_want *want, char *text)
{
	struct gomem_want fresh = { want->kinds, get_pid(want->pid) };
	struct gomem_word word;
	int err = 0;

	while (!err && gomem_words_next(&text, &word))
		err = set_word(&fresh, &word);
	if (!err)
		swap(*want, fresh);
	gomem_want_deinit(&fresh);
	return err;
}
