// SPDX-License-Identifier: GPL-2.0
#include "hooks.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "compat/compat.h"
#include "event.h"
#include "ledger.h"
#include "retry.h"
#include "target.h"
#include "zap.h"

#define INSTANCES 256 /* calls of one function that may sleep at a time */

/**
 * struct hook - one event at one symbol
 * @event: what it listens for; rows that follow each other with one event are
 *	alternatives, of which the first that can be planted is
 * @symbol: where
 * @pre: the handler of a kprobe, or NULL
 * @entry: of a kretprobe: nonzero for who is no target
 * @ret: of a kretprobe
 * @err: what registering it returned, 1 when it was not tried
 * @hits: per CPU, events seen in targets
 * @kp: the kprobe
 * @rp: the kretprobe
 */
struct hook {
	const char *event;
	const char *symbol;
	kprobe_pre_handler_t pre;
	kretprobe_handler_t entry;
	kretprobe_handler_t ret;
	int err;
	u64 __percpu *hits;
	struct kprobe kp;
	struct kretprobe rp;
};

/**
 * struct call - what a kretprobe keeps from entry to return
 * @mm: to find the target again; it is not followed, the call may sleep
 * @vmf: the fault, alive until the function's caller returns
 * @addr: where
 * @lo: the VMA's range, which may be gone at the return
 * @hi: see @lo
 * @pfn: of the page mapped at entry
 */
struct call {
	const struct mm_struct *mm;
	struct vm_fault *vmf;
	unsigned long addr;
	unsigned long lo;
	unsigned long hi;
	unsigned long pfn;
};

#define ARG(regs, n) regs_get_kernel_argument(regs, n)

static void hit(struct hook *hook)
{
	this_cpu_inc(*hook->hits);
}

static struct hook *hook_of(struct kprobe *kp)
{
	return container_of(kp, struct hook, kp);
}

static struct hook *hook_of_ri(struct kretprobe_instance *ri)
{
	return container_of(get_kretprobe(ri), struct hook, rp);
}

static void count_in(struct hook *hook, struct gomem_target *target, struct vm_area_struct *vma,
		     unsigned long addr, enum gomem_kind kind, u64 bytes)
{
	const struct gomem_where where = gomem_where_in(vma, addr, addr + bytes);

	hit(hook);
	gomem_event_note(target, kind, &where, bytes, 0);
}

NOKPROBE_SYMBOL(count_in);

/* handle_mm_fault(vma, addr, flags, regs), by whomever: the mm is the VMA's, not current's */
static int on_fault(struct kprobe *kp, struct pt_regs *regs)
{
	struct vm_area_struct *vma = (void *)ARG(regs, 0);
	struct gomem_target *target = gomem_target_of(vma->vm_mm);
	struct gomem_where where;

	if (target && !gomem_retry_is(ARG(regs, 1), ARG(regs, 2))) {
		hit(hook_of(kp));
		where = gomem_where_in(vma, ARG(regs, 1), ARG(regs, 1) + PAGE_SIZE);
		gomem_event_fault(target, GOMEM_KINDS_MAX, &where);
	}
	return 0;
}

NOKPROBE_SYMBOL(on_fault);

/* Every kretprobe of a fault: the first argument is the struct vm_fault. */
static int on_vmf(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct vm_fault *vmf = (void *)ARG(regs, 0);
	struct call *call = (void *)ri->data;

	if (!gomem_target_of(vmf->vma->vm_mm))
		return 1;
	call->mm = vmf->vma->vm_mm;
	call->vmf = vmf;
	call->addr = vmf->address;
	call->lo = vmf->vma->vm_start;
	call->hi = vmf->vma->vm_end;
	return 0;
}

NOKPROBE_SYMBOL(on_vmf);

static void count_call(struct kretprobe_instance *ri, enum gomem_kind kind, u64 bytes)
{
	const struct call *call = (void *)ri->data;
	const struct gomem_where where = { call->addr, call->addr + bytes, call->lo, call->hi };
	struct gomem_target *target;

	rcu_read_lock();
	target = gomem_target_of(call->mm);
	if (target) {
		hit(hook_of_ri(ri));
		if (kind == GOMEM_KIND_collapse)
			gomem_event_collapse(target, call->addr, 0);
		else
			gomem_event_note(target, kind, &where, bytes, 0);
	}
	rcu_read_unlock();
}

NOKPROBE_SYMBOL(count_call);

static vm_fault_t result_of(struct pt_regs *regs)
{
	return (__force vm_fault_t)regs_return_value(regs);
}

/* With one of these the locks were dropped, and neither VMA nor page table may be touched. */
static bool is_undone(struct pt_regs *regs)
{
	return result_of(regs) & (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED);
}

/* As vmstat: an edge of a VMA where no huge page fits is no fallback. */
static bool would_fit(const struct call *call)
{
	unsigned long start = call->addr & HPAGE_PMD_MASK;

	return start >= call->lo && start + HPAGE_PMD_SIZE <= call->hi;
}

static bool is_anon_huge(pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd) && PageAnon(pmd_page(pmd));
}

/* do_huge_pmd_anonymous_page(vmf): maps a huge page, the huge zero page, or nothing */
static int on_huge_fault(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct call *call = (void *)ri->data;

	if (result_of(regs) & VM_FAULT_FALLBACK) {
		if (would_fit(call))
			count_call(ri, GOMEM_KIND_fallback, HPAGE_PMD_SIZE);
	} else if (!is_undone(regs) && is_anon_huge(READ_ONCE(*call->vmf->pmd))) {
		count_call(ri, GOMEM_KIND_huge_fault, HPAGE_PMD_SIZE);
	}
	return 0;
}

NOKPROBE_SYMBOL(on_huge_fault);

/*
 * The entry as the function left it. The page table cannot have gone: the fault still
 * holds the mmap lock or the VMA's.
 */
static pte_t pte_after(const struct vm_fault *vmf)
{
	pmd_t pmd = READ_ONCE(*vmf->pmd);

	if (!pmd_present(pmd) || pmd_leaf(pmd) || pmd_bad(pmd))
		return __pte(0);
	return READ_ONCE(*pte_offset_kernel(&pmd, vmf->address));
}

NOKPROBE_SYMBOL(pte_after);

/* do_wp_page(vmf): copies, or lets the process have the page for itself */
static int on_wp_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct call *call = (void *)ri->data;

	if (on_vmf(ri, regs))
		return 1;
	call->pfn = pte_pfn(call->vmf->orig_pte);
	return 0;
}

NOKPROBE_SYMBOL(on_wp_entry);

static int on_wp(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct call *call = (void *)ri->data;
	pte_t pte;

	if (is_undone(regs))
		return 0;
	pte = pte_after(call->vmf);
	if (pte_present(pte) && pte_pfn(pte) != call->pfn)
		count_call(ri, GOMEM_KIND_cow, PAGE_SIZE);
	return 0;
}

NOKPROBE_SYMBOL(on_wp);

/* do_swap_page(vmf): also for migration entries and the like, which are no swap */
static int on_swapin_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct vm_fault *vmf = (void *)ARG(regs, 0);

	if (non_swap_entry(pte_to_swp_entry(vmf->orig_pte)))
		return 1;
	return on_vmf(ri, regs);
}

NOKPROBE_SYMBOL(on_swapin_entry);

static int on_swapin(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct call *call = (void *)ri->data;

	if (!is_undone(regs) && pte_present(pte_after(call->vmf)))
		count_call(ri, GOMEM_KIND_swapin, PAGE_SIZE);
	return 0;
}

NOKPROBE_SYMBOL(on_swapin);

/* Called for every PMD entry at an edge; a huge page is split, mapped or migrating. */
static void split(struct hook *hook, struct vm_area_struct *vma, const pmd_t *pmd,
		  unsigned long addr)
{
	struct gomem_target *target = gomem_target_of(vma->vm_mm);
	pmd_t value;

	if (!target)
		return;
	value = READ_ONCE(*pmd);
	if (pmd_none(value) || (pmd_present(value) && !pmd_trans_huge(value)))
		return;
	count_in(hook, target, vma, addr, GOMEM_KIND_pmd_split, HPAGE_PMD_SIZE);
}

NOKPROBE_SYMBOL(split);

/* (vma, pmd, addr, ...) */
static int on_split(struct kprobe *kp, struct pt_regs *regs)
{
	split(hook_of(kp), (void *)ARG(regs, 0), (void *)ARG(regs, 1), ARG(regs, 2));
	return 0;
}

NOKPROBE_SYMBOL(on_split);

/* (vma, addr, pmd, ...) */
static int on_split_locked(struct kprobe *kp, struct pt_regs *regs)
{
	split(hook_of(kp), (void *)ARG(regs, 0), (void *)ARG(regs, 2), ARG(regs, 1));
	return 0;
}

NOKPROBE_SYMBOL(on_split_locked);

/* collapse_huge_page(mm, addr, ...), by khugepaged or MADV_COLLAPSE; no VMA at hand */
static int on_collapse_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct call *call = (void *)ri->data;

	call->mm = (void *)ARG(regs, 0);
	call->addr = ARG(regs, 1);
	call->lo = 0;
	call->hi = ULONG_MAX;
	return !gomem_target_of(call->mm);
}

NOKPROBE_SYMBOL(on_collapse_entry);

static int on_collapse(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if ((int)regs_return_value(regs) == GOMEM_SCAN_SUCCEED)
		count_call(ri, GOMEM_KIND_collapse, HPAGE_PMD_SIZE);
	return 0;
}

NOKPROBE_SYMBOL(on_collapse);

/* unmap_page_range(tlb, vma, start, end, details); exit and the OOM reaper give nothing back */
static int on_zap(struct kprobe *kp, struct pt_regs *regs)
{
	struct vm_area_struct *vma = (void *)ARG(regs, 1);
	struct gomem_target *target = gomem_target_of(vma->vm_mm);

	if (!target || !atomic_read(&vma->vm_mm->mm_users) || (current->flags & PF_KTHREAD) ||
	    (vma->vm_flags & VM_HUGETLB))
		return 0;
	hit(hook_of(kp));
	gomem_zap_range(target->ledger, vma, ARG(regs, 2), ARG(regs, 3));
	return 0;
}

NOKPROBE_SYMBOL(on_zap);

/* madvise_free_pte_range(pmd, addr, end, walk) */
static int on_madv_free(struct kprobe *kp, struct pt_regs *regs)
{
	const struct mm_walk *walk = (void *)ARG(regs, 3);
	struct gomem_target *target = gomem_target_of(walk->vma->vm_mm);

	if (!target)
		return 0;
	hit(hook_of(kp));
	gomem_zap_free(target->ledger, walk->vma, (void *)ARG(regs, 0), ARG(regs, 1), ARG(regs, 2));
	return 0;
}

NOKPROBE_SYMBOL(on_madv_free);

/* begin_new_exec(bprm): when it succeeds, current has left its mm for the new one */
static int on_exec_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct call *call = (void *)ri->data;

	call->mm = current->mm;
	call->pfn = call->mm && gomem_target_of(call->mm);
	return !call->mm;
}

NOKPROBE_SYMBOL(on_exec_entry);

static int on_exec(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct call *call = (void *)ri->data;

	if (regs_return_value(regs))
		return 0;
	rcu_read_lock();
	if (gomem_target_execed(call->mm, call->pfn))
		hit(hook_of_ri(ri));
	rcu_read_unlock();
	return 0;
}

NOKPROBE_SYMBOL(on_exec);

/* exit_mm_release(task, mm), by each thread that exits */
static int on_exit(struct kprobe *kp, struct pt_regs *regs)
{
	struct mm_struct *mm = (void *)ARG(regs, 1);

	if (!mm || atomic_read(&current->signal->live) || !gomem_target_of(mm))
		return 0;
	hit(hook_of(kp));
	gomem_target_exiting(mm);
	return 0;
}

NOKPROBE_SYMBOL(on_exit);

/* wake_up_new_task(task), by its parent */
static int on_fork(struct kprobe *kp, struct pt_regs *regs)
{
	if (current->mm && gomem_target_of(current->mm))
		hit(hook_of(kp));
	gomem_target_forked((void *)ARG(regs, 0));
	return 0;
}

NOKPROBE_SYMBOL(on_fork);

/* cgroup_attach_task(cgroup, leader, threadgroup): when it is over, who moved has moved */
static int on_move_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	return 0;
}

NOKPROBE_SYMBOL(on_move_entry);

static int on_move(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (gomem_target_moved())
		hit(hook_of_ri(ri));
	return 0;
}

NOKPROBE_SYMBOL(on_move);

static struct hook hooks[] = {
	{ "fault", "handle_mm_fault", .pre = on_fault },
	{ "huge_fault", "do_huge_pmd_anonymous_page", .entry = on_vmf, .ret = on_huge_fault },
	{ "cow", "do_wp_page", .entry = on_wp_entry, .ret = on_wp },
	{ "swapin", "do_swap_page", .entry = on_swapin_entry, .ret = on_swapin },
	{ "split", "__split_huge_pmd_locked", .pre = on_split },
	{ "split", "split_huge_pmd_locked", .pre = on_split_locked },
	{ "split", "__split_huge_pmd", .pre = on_split },
	{ "collapse", "collapse_huge_page", .entry = on_collapse_entry, .ret = on_collapse },
	{ "zap", "__zap_vma_range", .pre = on_zap },
	{ "zap", "unmap_page_range", .pre = on_zap },
	{ "madv_free", "madvise_free_pte_range", .pre = on_madv_free },
	{ "exec", "begin_new_exec", .entry = on_exec_entry, .ret = on_exec },
	{ "exit", "exit_mm_release", .pre = on_exit },
	{ "fork", "wake_up_new_task", .pre = on_fork },
	{ "move", "cgroup_attach_task", .entry = on_move_entry, .ret = on_move },
};

static int plant(struct hook *hook)
{
	if (hook->pre) {
		hook->kp.symbol_name = hook->symbol;
		hook->kp.pre_handler = hook->pre;
		return register_kprobe(&hook->kp);
	}
	hook->rp.kp.symbol_name = hook->symbol;
	hook->rp.entry_handler = hook->entry;
	hook->rp.handler = hook->ret;
	hook->rp.data_size = sizeof(struct call);
	hook->rp.maxactive = INSTANCES;
	return register_kretprobe(&hook->rp);
}

static bool is_alternative(const struct hook *hook)
{
	return hook > hooks && !strcmp(hook->event, hook[-1].event);
}

static int plant_all(void)
{
	int err = -ENOENT, planted = 0;
	bool is_found = false;
	struct hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		is_found = is_found && is_alternative(hook);
		if (is_found)
			continue;
		hook->err = plant(hook);
		is_found = !hook->err;
		planted += is_found;
		if (hook->err)
			err = hook->err;
	}
	return planted ? 0 : err;
}

static void free_hits(void)
{
	struct hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++)
		free_percpu(hook->hits);
}

static int alloc_hits(void)
{
	struct hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		hook->err = 1;
		hook->hits = alloc_percpu(u64);
		if (!hook->hits) {
			free_hits();
			return -ENOMEM;
		}
	}
	return 0;
}

int gomem_hooks_init(void)
{
	int err = alloc_hits();

	if (err)
		return err;
	err = plant_all();
	if (err)
		free_hits();
	return err;
}

/* All at once: one by one, each would wait for its own grace period. */
void gomem_hooks_exit(void)
{
	struct kretprobe *rps[ARRAY_SIZE(hooks)];
	struct kprobe *kps[ARRAY_SIZE(hooks)];
	int rp_count = 0, kp_count = 0;
	struct hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		if (hook->err)
			continue;
		if (hook->pre)
			kps[kp_count++] = &hook->kp;
		else
			rps[rp_count++] = &hook->rp;
	}
	unregister_kprobes(kps, kp_count);
	unregister_kretprobes(rps, rp_count);
	free_hits();
}

/* The row that stands for an event: the one that is planted, else its last. */
static struct hook *representative(unsigned int index)
{
	struct hook *hook;
	unsigned int n = 0;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		bool is_last = hook + 1 == hooks + ARRAY_SIZE(hooks) || !is_alternative(hook + 1);

		if (!hook->err && n == index)
			return hook;
		if (is_last && n++ == index)
			return hook;
	}
	return NULL;
}

static const char *why(int err)
{
	switch (err) {
	case 0:
		return NULL;
	case -ENOENT:
		return "no-such-symbol";
	case -EINVAL:
		return "may-not-be-probed";
	default:
		return "failed";
	}
}

static u64 sum_hits(const struct hook *hook)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(hook->hits, cpu);
	return sum;
}

bool gomem_hooks_probe(unsigned int index, struct gomem_probe *probe)
{
	const struct hook *hook = representative(index);

	if (!hook)
		return false;
	*probe = (struct gomem_probe){
		.event = hook->event,
		.symbol = hook->symbol,
		.type = hook->pre ? "kprobe" : "kretprobe",
		.why = why(hook->err),
		.hits = sum_hits(hook),
		.missed = hook->kp.nmissed + hook->rp.kp.nmissed + hook->rp.nmissed,
	};
	return true;
}
