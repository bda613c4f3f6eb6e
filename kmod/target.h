/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whom we watch: processes, from attach until they are deleted.
 *
 * A target is a process (its thread group's struct pid), the mm it runs in now, and a
 * ledger. Probe handlers find it by mm under RCU; everybody else takes a reference.
 *
 * Locks, outermost first: the mutex of gomem_target_set (attach, delete), a target's look_mutex,
 * the set's lock (raw: the hash, the list and what handlers change in a target).
 */
#ifndef GOMEM_TARGET_H
#define GOMEM_TARGET_H

#include <linux/hash.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/task_work.h>
#include <linux/workqueue.h>

#include "blocks.h"
#include "go.h"
#include "ledger.h"
#include "snapshot.h"

#define GOMEM_TARGETS_MAX 1024
#define GOMEM_TARGETS_HASH_BITS 11

/**
 * enum gomem_target_state
 * @GOMEM_TARGET_RUNNING: alive
 * @GOMEM_TARGET_EXITING: its last thread is on the way out, the last look under way
 * @GOMEM_TARGET_EXITED: gone; the figures are those of the last look, if there was one
 */
enum gomem_target_state {
	GOMEM_TARGET_RUNNING,
	GOMEM_TARGET_EXITING,
	GOMEM_TARGET_EXITED,
};

/**
 * enum gomem_target_origin - how it became a target
 * @GOMEM_TARGET_PARAM: by insmod
 * @GOMEM_TARGET_WRITE: by a write
 * @GOMEM_TARGET_FORK: its parent is followed
 * @GOMEM_TARGET_CGROUP: it is in a watched cgroup, and only for that
 */
enum gomem_target_origin {
	GOMEM_TARGET_PARAM,
	GOMEM_TARGET_WRITE,
	GOMEM_TARGET_FORK,
	GOMEM_TARGET_CGROUP,
};

/** struct gomem_target_sums - events by kind since attach, and their bytes; one per CPU */
struct gomem_target_sums {
	struct {
		u64 count;
		u64 bytes;
	} of[GOMEM_KINDS_MAX];
};

/**
 * struct gomem_target - one process
 * @by_mm: in the hash while it runs; changed under the set's lock, read under RCU
 * @mm: the mm it runs in, mmgrab()bed, mm_users not held; changed under the set's lock
 * @all: in the list of all targets, by @id; under the set's lock
 * @spare: in the list of targets made in advance; under the set's lock
 * @ref: references
 * @id: rises with every attach
 * @image: what it runs since attach or the last exec, which has an id of its own; changed
 *	under the set's lock
 * @go_image: the image that @go describes, or 0; changed under the set's mutex
 * @go: where its Go runtime keeps the goroutine
 * @pid: its struct pid
 * @parent: of the target it was forked from, or NULL
 * @cgroup: with GOMEM_TARGET_CGROUP, the id of the watched cgroup; under the set's mutex
 * @ledger: what the hooks count; NULL once @last holds it
 * @sums: what they count of the target as a whole, see gomem_event_sums()
 * @state: enum gomem_target_state
 * @origin: enum gomem_target_origin
 * @follow: attach its children as they are forked
 * @is_known: the listener was told of it; under the set's mutex
 * @attached_ns: when, CLOCK_MONOTONIC
 * @execs: how often it called exec since
 * @unfollowed: children that could not be attached, for want of a target made in advance
 * @comm: its name when last asked
 * @look_mutex: guards @last, and @ledger against its end; one looks at a time
 * @last: the look at its exit, NULL before
 * @exit_work: takes that
 * @leave: has the process wait for it
 * @drop_work: frees what that made superfluous, a grace period later
 * @free_work: frees the target, a grace period after the last reference
 * @vm_events: what the kernel had counted when it was attached, see frag.c; NULL before
 * @private: the listener's
 */
struct gomem_target {
	struct hlist_node by_mm;
	struct mm_struct *mm;
	struct list_head all;
	struct list_head spare;
	struct kref ref;
	u64 id;
	u64 image;
	u64 go_image;
	struct gomem_go go;
	struct pid *pid;
	struct pid *parent;
	u64 cgroup;
	struct gomem_ledger *ledger;
	struct gomem_target_sums __percpu *sums;
	enum gomem_target_state state;
	enum gomem_target_origin origin;
	bool follow;
	bool is_known;
	u64 attached_ns;
	atomic64_t execs;
	atomic64_t unfollowed;
	char comm[TASK_COMM_LEN];
	struct mutex look_mutex; /* guards @last, @ledger's end */
	struct gomem_snapshot *last;
	struct work_struct exit_work;
	struct callback_head leave;
	struct rcu_work drop_work;
	struct rcu_work free_work;
	unsigned long *vm_events;
	void *private;
};

/**
 * struct gomem_target_listener - who wants to know of targets
 * @born: a target is there; may sleep, may set @private
 * @gone: it is deleted, or @born is taken back; may sleep
 */
struct gomem_target_listener {
	int (*born)(struct gomem_target *target);
	void (*gone)(struct gomem_target *target);
};

extern struct hlist_head gomem_targets_by_mm[1 << GOMEM_TARGETS_HASH_BITS];
extern seqcount_t gomem_targets_moves; /* odd while an exec moves a target in that */

/** gomem_target_may_be() - false: @mm is no target's; needs no lock */
static __always_inline bool gomem_target_may_be(const struct mm_struct *mm)
{
	return !hlist_empty(&gomem_targets_by_mm[hash_ptr(mm, GOMEM_TARGETS_HASH_BITS)]);
}

/**
 * gomem_target_of() - the target that runs in @mm, or NULL
 *
 * For probe handlers: one load and compare for who is no target. The caller is in an
 * RCU read-side section or has preemption off, and uses the target only there. Who follows
 * a target that is moved ends up in another list, and looks again.
 */
static __always_inline struct gomem_target *gomem_target_of(const struct mm_struct *mm)
{
	struct hlist_head *head = &gomem_targets_by_mm[hash_ptr(mm, GOMEM_TARGETS_HASH_BITS)];
	struct gomem_target *target;
	unsigned int moves;

	if (likely(hlist_empty(head)))
		return NULL;
	do {
		moves = raw_read_seqcount_begin(&gomem_targets_moves);
		hlist_for_each_entry_rcu(target, head, by_mm) {
			if (READ_ONCE(target->mm) == mm)
				return target;
		}
	} while (read_seqcount_retry(&gomem_targets_moves, moves));
	return NULL;
}

/** gomem_target_go() - where the Go runtime of @image keeps the goroutine, or NULL; as above */
static __always_inline const struct gomem_go *gomem_target_go(const struct gomem_target *target,
							      u64 image)
{
	/* Pairs with gomem_target_set_go(). */
	return smp_load_acquire(&target->go_image) == image ? &target->go : NULL;
}

/** gomem_target_init() - before any other; @listener may be called from then on */
int gomem_target_init(const struct gomem_target_listener *listener);

/**
 * gomem_target_exit() - delete every target and wait until all are freed
 *
 * No hook is planted any more, no reader reads.
 */
void gomem_target_exit(void);

/**
 * gomem_target_add() - watch a process
 * @nr: its pid, or that of one of its threads, in the caller's pid namespace
 * @follow: its children, too
 * @origin: who says so
 *
 * Takes the place of an exited target of the same number.
 *
 * Return: 0, also when it was there for its cgroup alone and is now for its own sake; -ESRCH
 * no such process, or one that is exiting; -EINVAL a kernel thread; -EEXIST watched already;
 * -ENOSPC GOMEM_TARGETS_MAX are; -ENOMEM.
 */
int gomem_target_add(pid_t nr, bool follow, enum gomem_target_origin origin);

/**
 * gomem_target_del() - forget a process
 * @nr: its pid, or that of one of its threads, in the caller's pid namespace
 *
 * Return: 0, -ENOENT when it is no target, -EBUSY when it runs in a watched cgroup and is
 * there for that alone.
 */
int gomem_target_del(pid_t nr);

/**
 * gomem_target_set_go() - say where the Go runtime of a process keeps the goroutine
 * @nr: its pid, or that of one of its threads, in the caller's pid namespace
 *
 * Until it calls exec. May sleep. Return: 0, or -ENOENT when it is no target.
 */
int gomem_target_set_go(pid_t nr, const struct gomem_go *go);

/** gomem_target_next() - the first target with an id above @id, with a reference, or NULL */
struct gomem_target *gomem_target_next(u64 id);

/** gomem_target_get() - one more reference, for who has one */
void gomem_target_get(struct gomem_target *target);

/** gomem_target_put() - one less; NULL is fine */
void gomem_target_put(struct gomem_target *target);

/**
 * gomem_target_mm() - the mm that it runs in at this moment, or NULL when it runs no more
 *
 * Also notices an exec whose hook has not run yet: from its exec_mmap() on, which may take
 * long to tear down the old mm, a process is in the new one. Free with mmput(). May sleep.
 */
struct mm_struct *gomem_target_mm(struct gomem_target *target);

/**
 * gomem_target_look() - look at its memory now, or at the last look of one that exited
 *
 * May sleep. Return: a reference to a snapshot, or ERR_PTR() as gomem_snapshot_take(), or
 * -EINTR when killed.
 */
struct gomem_snapshot *gomem_target_look(struct gomem_target *target);

/**
 * gomem_target_ledger() - how complete its counts are, and what they take
 *
 * May sleep. Return: 0, or -EINTR when killed.
 */
int gomem_target_ledger(struct gomem_target *target, struct gomem_ledger_state *state);

/**
 * gomem_target_blocks() - look at its memory by 2 MiB
 *
 * May sleep. Return: what gomem_blocks_free() takes, NULL for one that exited, or
 * ERR_PTR() as gomem_blocks_take().
 */
struct gomem_blocks *gomem_target_blocks(struct gomem_target *target);

/** gomem_target_comm() - copy its name, the last known one when it is gone */
void gomem_target_comm(struct gomem_target *target, char comm[TASK_COMM_LEN]);

/** gomem_target_is_exited() - no thread of it runs, whether or not its last look is over */
bool gomem_target_is_exited(struct gomem_target *target);

/*
 * What the hooks tell, in probe handlers.
 */

/**
 * gomem_target_execed() - current left @old by exec and runs in current->mm now
 * @old: not followed, it may be gone
 * @was: a target ran in @old, then
 *
 * Return: the target that did this, or NULL.
 */
struct gomem_target *gomem_target_execed(const struct mm_struct *old, bool was);

/**
 * gomem_target_retire() - @target, which is current and the last of its group, leaves its mm
 *
 * No handler finds it any more. Return: true once.
 */
bool gomem_target_retire(struct gomem_target *target);

/** gomem_target_look_last() - has one that retired looked at before its memory is torn down */
void gomem_target_look_last(struct gomem_target *target);

/** gomem_target_forked() - current, a target or not, made @child, which has not run yet */
void gomem_target_forked(struct task_struct *child);

/** gomem_target_moved() - somebody moved to another cgroup. Return: whether that matters */
bool gomem_target_moved(void);

#endif /* GOMEM_TARGET_H */
