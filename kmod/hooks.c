// SPDX-License-Identifier: GPL-2.0
#include "hooks.h"

#include <linux/mm.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>

#include "canary.h"
#include "compat/compat.h"
#include "hook.h"
#include "on.h"
#include "setting.h"

#define KPROBE(name) .on = gomem_on_##name
#define KRETPROBE(at_entry, at_return) .entry = gomem_on_##at_entry, .ret = gomem_on_##at_return

/* Why no fault maps a folio between a page and a huge page, NULL when some do. */
static const char *mthp_why_not(void)
{
	const char *why = "no-mthp";
	char name[32], value[GOMEM_SETTING_MAX];
	unsigned int order;

	for (order = 1; order < HPAGE_PMD_ORDER; order++) {
		snprintf(name, sizeof(name), "hugepages-%lukB/enabled",
			 (PAGE_SIZE << order) / 1024);
		if (gomem_setting_read(name, value))
			continue;
		if (strcmp(value, "never"))
			return NULL;
		why = "mthp-off";
	}
	return why;
}

static void replant(struct work_struct *work);
static DECLARE_WORK(replant_work, replant);

/* anon_enabled_store(): a size was turned on or off */
static bool on_setting(struct gomem_hook *hook, struct gomem_call *call, struct pt_regs *regs)
{
	queue_work(system_percpu_wq, &replant_work);
	return true;
}

NOKPROBE_SYMBOL(on_setting);

static struct gomem_hook hooks[] = {
	{ "fault", "handle_mm_fault", .ftrace = gomem_on_fault_ftrace },
	{ "fault", "handle_mm_fault", KPROBE(fault) },
	{ "cow", "do_wp_page", KRETPROBE(wp, wp_return) },
	{ "swapin", "do_swap_page", KRETPROBE(swapin, swapin_return) },

	{ "huge_fault", "do_huge_pmd_anonymous_page", KRETPROBE(vmf, huge_fault_return) },
	{ "huge_cow", "do_huge_pmd_wp_page", KRETPROBE(huge_wp, huge_wp_return) },
	{ "mthp_fault", "folio_add_new_anon_rmap", KPROBE(new_rmap), .why = mthp_why_not },
	{ "mthp_setting", "anon_enabled_store", .entry = gomem_on_always, .ret = on_setting },
	{ "pmd_split", "__split_huge_pmd_locked", KPROBE(split) },
	{ "pmd_split", "split_huge_pmd_locked", KPROBE(split_locked) },
	{ "pmd_split", "__split_huge_pmd", KPROBE(split_asked) },
	{ "collapse", "mm_collapse_huge_page", .tracepoint = gomem_on_collapse_end },
	{ "collapse_fill", "mm_collapse_huge_page_isolate",
	  .tracepoint = gomem_on_collapse_isolate },
	{ "collapse_at", "collapse_huge_page", KPROBE(collapse_begin) },
	{ "collapse_at", "hugepage_vma_revalidate", KPROBE(collapse_begin) },

	{ "swapout", "try_to_unmap_one", KRETPROBE(swapout, swapout_return) },
	{ "migrate", "remove_migration_pte", KRETPROBE(migrate, migrate_return) },
	{ "folio_split_at", "try_to_migrate_one", KPROBE(folio_split_at) },
	{ "folio_split_at", "try_to_unmap_one", KPROBE(folio_split_at) },
	{ "folio_split", "__folio_split", KRETPROBE(folio_split, folio_split_return) },
	{ "folio_split", "split_huge_page_to_list_to_order",
	  KRETPROBE(folio_split, folio_split_return) },
	{ "folio_split", "split_huge_page_to_list", KRETPROBE(folio_split, folio_split_return) },

	{ "mmap", "mmap_region", KRETPROBE(mmap, mmap_return) },
	{ "munmap", "__vm_munmap", KRETPROBE(munmap, munmap_return) },
	{ "brk", "__x64_sys_brk", KRETPROBE(brk, brk_return) },
	{ "mremap", "__x64_sys_mremap", KRETPROBE(mremap, mremap_return) },
	{ "brk32", "__ia32_sys_brk", KRETPROBE(brk, brk_return) },
	{ "mremap32", "__ia32_sys_mremap", KRETPROBE(mremap32, mremap_return) },
	{ "mprotect", "change_protection", KPROBE(mprotect) },
	{ "vma_split", "__split_vma", KRETPROBE(vma_split, vma_split_return) },
	{ "vma_merge", "vma_complete", KRETPROBE(vma_complete, vma_merge_return) },
	{ "vma_merge", "__vma_adjust", KRETPROBE(vma_adjust, vma_merge_return) },
#ifdef GOMEM_HAS_VMA_EXPAND
	{ "vma_expand", "vma_expand", KRETPROBE(vma_expand, vma_merge_return) },
#endif
	{ "madvise", "madvise_do_behavior", KRETPROBE(madvise_behavior, madvise_return) },
	{ "madvise", "do_madvise.part.0", KRETPROBE(madvise, madvise_return) },
	{ "madvise", "do_madvise", KRETPROBE(madvise, madvise_return) },
	{ "zap", "__zap_vma_range", KPROBE(zap) },
	{ "zap", "unmap_page_range", KPROBE(zap) },
	{ "madv_free", "madvise_free_pte_range", KPROBE(madv_free) },

	{ "exec", "begin_new_exec", KRETPROBE(exec, exec_return) },
	{ "exit", "mm_update_next_owner", KRETPROBE(exit, exit_return) },
	{ "fork", "wake_up_new_task", KPROBE(fork) },
	{ "move", "cgroup_attach_task", KRETPROBE(always, move_return) },
};

static_assert(ARRAY_SIZE(hooks) <= GOMEM_HOOKS_MAX);

/* Guards the hooks that come and go, and @is_over: no hook is to be planted any more. */
static DEFINE_MUTEX(replant_mutex);
static bool is_over;

static bool is_alternative(const struct gomem_hook *hook)
{
	return hook > hooks && !strcmp(hook->event, hook[-1].event);
}

static int plant_all(void)
{
	int err = -ENOENT, planted = 0;
	bool is_found = false;
	struct gomem_hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		is_found = is_found && is_alternative(hook);
		if (is_found || hook->why)
			continue;
		is_found = !gomem_hook_plant(hook);
		/* ftrace is off: most of the others could be planted, and would never be called. */
		if (hook->ftrace && hook->err == -EBUSY)
			return -EBUSY;
		planted += is_found;
		if (hook->err)
			err = hook->err;
	}
	return planted ? 0 : err;
}

static void replant_one(struct gomem_hook *hook)
{
	const char *why_not = is_over ? "over" : hook->why();

	lockdep_assert_held(&replant_mutex);
	if (why_not && !hook->err)
		gomem_hook_uproot(hook, 1);
	else if (!why_not && hook->err)
		gomem_hook_plant(hook);
	WRITE_ONCE(hook->why_not, why_not);
}

/* Plants what the host's settings call for now, and takes out what they do not. */
static void replant(struct work_struct *work)
{
	struct gomem_hook *hook;

	mutex_lock(&replant_mutex);
	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		if (hook->why)
			replant_one(hook);
	}
	mutex_unlock(&replant_mutex);
}

static void free_figures(void)
{
	struct gomem_hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++)
		free_percpu(hook->figures);
}

static int alloc_figures(void)
{
	struct gomem_hook *hook;

	for (hook = hooks; hook < hooks + ARRAY_SIZE(hooks); hook++) {
		hook->err = 1;
		hook->figures = alloc_percpu(struct gomem_hook_figures);
		if (!hook->figures) {
			free_figures();
			return -ENOMEM;
		}
	}
	return 0;
}

int gomem_hooks_init(void)
{
	int err = alloc_figures();

	if (err)
		return err;
	err = plant_all();
	if (err) {
		gomem_hook_uproot(hooks, ARRAY_SIZE(hooks));
		free_figures();
		return err;
	}
	gomem_canary_init();
	queue_work(system_percpu_wq, &replant_work);
	flush_work(&replant_work);
	return 0;
}

void gomem_hooks_exit(void)
{
	mutex_lock(&replant_mutex);
	is_over = true;
	gomem_hook_uproot(hooks, ARRAY_SIZE(hooks));
	mutex_unlock(&replant_mutex);
	cancel_work_sync(&replant_work);
	gomem_canary_exit();
	free_figures();
}

/* The row that stands for an event: the one that is planted, else its last. */
static const struct gomem_hook *representative(unsigned int index)
{
	const struct gomem_hook *hook;
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

static bool is_disarmed(const struct gomem_hook *hook)
{
	return !hook->err && (hook->on || hook->ret) && !gomem_canary_sings();
}

static const char *why_not(const struct gomem_hook *hook)
{
	switch (hook->err) {
	case 0:
		return NULL;
	case 1:
		return READ_ONCE(hook->why_not) ?: "not-yet";
	case -ENOENT:
		return "no-such-symbol";
	case -EINVAL:
		return "may-not-be-probed";
	default:
		return "failed";
	}
}

static struct gomem_hook_figures sum(const struct gomem_hook *hook)
{
	struct gomem_hook_figures sum = {};
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct gomem_hook_figures *figures = per_cpu_ptr(hook->figures, cpu);

		sum.hits += READ_ONCE(figures->hits);
		sum.missed += READ_ONCE(figures->missed);
		sum.timed += READ_ONCE(figures->timed);
		sum.ns += READ_ONCE(figures->ns);
	}
	return sum;
}

bool gomem_hooks_probe(unsigned int index, struct gomem_probe *probe)
{
	const struct gomem_hook *hook = representative(index);
	struct gomem_hook_figures figures;

	if (!hook)
		return false;
	figures = sum(hook);
	*probe = (struct gomem_probe){
		.event = hook->event,
		.symbol = hook->symbol,
		.type = gomem_hook_type(hook),
		.state = hook->err ? "absent" : "planted",
		.why = why_not(hook),
		.hits = figures.hits,
		.missed = figures.missed + gomem_hook_missed(hook),
		.timed = figures.timed,
		.ns = figures.ns,
	};
	if (is_disarmed(hook)) {
		probe->state = "disarmed";
		probe->why = "kprobes-off";
	}
	return true;
}
