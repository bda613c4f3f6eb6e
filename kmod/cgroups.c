// SPDX-License-Identifier: GPL-2.0
#include "cgroups.h"

#include <linux/cgroup.h>
#include <linux/kprobes.h>
#include <linux/nsproxy.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "target_set.h"

/* Changed under the set's mutex, read under RCU; a reference each. */
static struct cgroup __rcu *watched[GOMEM_CGROUPS_MAX];
static unsigned int watched_count;

static bool is_due; /* somebody came or went since the last comparison */
static bool is_short; /* there was no room for somebody */

static struct cgroup *watched_at(unsigned int i)
{
	return rcu_dereference_protected(watched[i], lockdep_is_held(&gomem_target_set.mutex));
}

u64 gomem_cgroups_of(struct task_struct *task)
{
	struct cgroup *cgroup;
	unsigned int i;
	u64 id = 0;

	if (likely(!READ_ONCE(watched_count)))
		return 0;
	rcu_read_lock();
	for (i = 0; i < GOMEM_CGROUPS_MAX && !id; i++) {
		cgroup = rcu_dereference(watched[i]);
		if (cgroup && cgroup_is_descendant(task_dfl_cgroup(task), cgroup))
			id = cgroup_id(cgroup);
	}
	rcu_read_unlock();
	return id;
}

NOKPROBE_SYMBOL(gomem_cgroups_of);

bool gomem_cgroups_moved(void)
{
	if (!READ_ONCE(watched_count))
		return false;
	WRITE_ONCE(is_due, true);
	gomem_target_kick();
	return true;
}

NOKPROBE_SYMBOL(gomem_cgroups_moved);

void gomem_cgroups_room(void)
{
	if (READ_ONCE(is_short))
		gomem_cgroups_moved();
}

NOKPROBE_SYMBOL(gomem_cgroups_room);

static void unwatch(unsigned int i)
{
	struct cgroup *cgroup = watched_at(i);

	RCU_INIT_POINTER(watched[i], NULL);
	WRITE_ONCE(watched_count, watched_count - 1);
	synchronize_rcu();
	cgroup_put(cgroup);
}

/* Nobody is in a cgroup that was removed, and nobody will be. */
static void unwatch_removed(void)
{
	unsigned int i;

	for (i = 0; i < GOMEM_CGROUPS_MAX; i++) {
		struct cgroup *cgroup = watched_at(i);

		if (cgroup && !(READ_ONCE(cgroup->self.flags) & CSS_ONLINE))
			unwatch(i);
	}
}

/* The place of @cgroup, or with NULL a free one; GOMEM_CGROUPS_MAX when there is none. */
static unsigned int find(const struct cgroup *cgroup)
{
	unsigned int i;

	for (i = 0; i < GOMEM_CGROUPS_MAX; i++) {
		if (watched_at(i) == cgroup)
			break;
	}
	return i;
}

/* Who exited stays for its figures, where it was. */
static u64 place_of(struct gomem_target *target)
{
	struct task_struct *task = get_pid_task(target->pid, PIDTYPE_TGID);
	u64 id = target->cgroup;

	if (task && !gomem_target_is_exited(target))
		id = gomem_cgroups_of(task);
	if (task)
		put_task_struct(task);
	return id;
}

/* Forgets who is there for a cgroup alone and left, or is in @deleted, the id of one or 0. */
static void drop_leavers(u64 deleted)
{
	struct gomem_target *target, *next;

	list_for_each_entry_safe(target, next, &gomem_target_set.all, all) {
		if (target->origin != GOMEM_TARGET_CGROUP)
			continue;
		target->cgroup = place_of(target);
		if (!target->cgroup || target->cgroup == deleted)
			gomem_target_set_forget(target);
	}
}

/* Whether @task has memory, and if so, whether that is a target's. */
static bool has_memory(struct task_struct *task, bool *is_watched)
{
	bool has_mm = false;
	struct task_struct *thread;

	*is_watched = false;
	for_each_thread(task, thread) {
		struct mm_struct *mm = READ_ONCE(thread->mm);

		if (!mm || (thread->flags & PF_KTHREAD))
			continue;
		has_mm = true;
		*is_watched |= !!gomem_target_of(mm);
	}
	/* Its hook may not yet have told of an exec. */
	if (has_mm && !*is_watched)
		*is_watched = gomem_target_set_has(task_tgid(task));
	return has_mm;
}

static bool is_comer(struct task_struct *task)
{
	bool is_watched;

	return gomem_cgroups_of(task) && has_memory(task, &is_watched) && !is_watched;
}

static unsigned int find_comers(struct pid **pids, unsigned int room)
{
	struct task_struct *task;
	unsigned int count = 0;

	rcu_read_lock();
	for_each_process(task) {
		if (!is_comer(task))
			continue;
		if (count == room) {
			WRITE_ONCE(is_short, true);
			break;
		}
		pids[count++] = get_task_pid(task, PIDTYPE_TGID);
	}
	rcu_read_unlock();
	return count;
}

static void take(struct pid *pid)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	int err;

	if (!task)
		return;
	err = gomem_target_set_attach(task, false, GOMEM_TARGET_CGROUP);
	if (err == -ENOSPC || err == -ENOMEM)
		WRITE_ONCE(is_short, true);
	put_task_struct(task);
}

static void take_comers(void)
{
	static struct pid *comers[GOMEM_TARGETS_MAX]; /* under the set's mutex */
	unsigned int i, count;

	WRITE_ONCE(is_short, false);
	count = find_comers(comers, GOMEM_TARGETS_MAX - READ_ONCE(gomem_target_set.count));
	for (i = 0; i < count; i++) {
		take(comers[i]);
		put_pid(comers[i]);
	}
}

static void compare(void)
{
	lockdep_assert_held(&gomem_target_set.mutex);
	unwatch_removed();
	drop_leavers(0);
	take_comers();
}

void gomem_cgroups_settle(void)
{
	if (!xchg(&is_due, false))
		return;
	compare();
}

static int watch(struct cgroup *cgroup)
{
	unsigned int i;

	unwatch_removed();
	if (find(cgroup) < GOMEM_CGROUPS_MAX)
		return -EEXIST;
	i = find(NULL);
	if (i == GOMEM_CGROUPS_MAX)
		return -ENOSPC;
	rcu_assign_pointer(watched[i], cgroup);
	WRITE_ONCE(watched_count, watched_count + 1);
	gomem_target_want_spares();
	compare();
	return 0;
}

int gomem_cgroups_add(const char *path)
{
	struct cgroup *cgroup = cgroup_get_from_path(path);
	int err;

	if (IS_ERR(cgroup))
		return PTR_ERR(cgroup);
	mutex_lock(&gomem_target_set.mutex);
	err = watch(cgroup);
	mutex_unlock(&gomem_target_set.mutex);
	if (err)
		cgroup_put(cgroup);
	return err;
}

int gomem_cgroups_del(const char *path)
{
	struct cgroup *cgroup = cgroup_get_from_path(path);
	unsigned int i;

	if (IS_ERR(cgroup))
		return -ENOENT;
	mutex_lock(&gomem_target_set.mutex);
	i = find(cgroup);
	if (i < GOMEM_CGROUPS_MAX) {
		unwatch(i);
		drop_leavers(cgroup_id(cgroup));
	}
	mutex_unlock(&gomem_target_set.mutex);
	cgroup_put(cgroup);
	return i < GOMEM_CGROUPS_MAX ? 0 : -ENOENT;
}

static void count_processes(struct cgroup *cgroup, struct gomem_cgroups_line *line)
{
	struct task_struct *task;
	bool is_watched;

	rcu_read_lock();
	for_each_process(task) {
		if (!cgroup_is_descendant(task_dfl_cgroup(task), cgroup) ||
		    !has_memory(task, &is_watched))
			continue;
		line->processes++;
		line->unwatched += !is_watched;
	}
	rcu_read_unlock();
}

bool gomem_cgroups_line(unsigned int index, struct gomem_cgroups_line *line)
{
	struct cgroup *cgroup;

	*line = (struct gomem_cgroups_line){};
	mutex_lock(&gomem_target_set.mutex);
	unwatch_removed();
	cgroup = watched_at(index);
	if (cgroup) {
		count_processes(cgroup, line);
		cgroup_path_ns(cgroup, line->path, sizeof(line->path), current->nsproxy->cgroup_ns);
	}
	mutex_unlock(&gomem_target_set.mutex);
	return cgroup;
}

void gomem_cgroups_exit(void)
{
	unsigned int i;

	mutex_lock(&gomem_target_set.mutex);
	for (i = 0; i < GOMEM_CGROUPS_MAX; i++) {
		if (watched_at(i))
			unwatch(i);
	}
	mutex_unlock(&gomem_target_set.mutex);
}
