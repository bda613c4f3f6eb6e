// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/cpumask.h>

#include "proc_cursor.h"
#include "rows.h"
#include "stacks.h"
#include "stream.h"
#include "walk.h"

#define SCOPE_MAX 24
#define VALUE_MAX 24

GOMEM_ROW(stats, GOMEM_ITEM_COLUMNS)

static void print(struct seq_file *m, const char *scope, const char *item, u64 value)
{
	char text[VALUE_MAX];
	const struct stats_row row = { scope, item, text };

	snprintf(text, sizeof(text), "%llu", value);
	stats_print(m, &row);
}

static void print_walks(struct seq_file *m)
{
	print(m, "walk", "windows", gomem_walk_windows());
	print(m, "walk", "longest_hold_ns", gomem_walk_longest_ns());
}

/* What was not timed is not guessed: timed and ns go together. */
static void print_hooks(struct seq_file *m)
{
	struct gomem_probe probe, sum = {};
	unsigned int i;

	for (i = 0; gomem_proc_probe_of(i, &probe); i++) {
		sum.hits += probe.hits;
		sum.missed += probe.missed;
		sum.timed += probe.timed;
		sum.ns += probe.ns;
	}
	print(m, "hooks", "hits", sum.hits);
	print(m, "hooks", "missed", sum.missed);
	print(m, "hooks", "timed", sum.timed);
	print(m, "hooks", "ns", sum.ns);
}

static void print_stacks(struct seq_file *m)
{
	struct gomem_stacks_stats stats;

	gomem_stacks_stats(&stats);
	print(m, "stacks", "rate", stats.rate);
	print(m, "stacks", "bytes", stats.bytes);
	print(m, "stacks", "stacks", stats.stacks);
	print(m, "stacks", "users", stats.users);
	print(m, "stacks", "slots", stats.slots);
	print(m, "stacks", "merged", stats.merged);
	print(m, "stacks", "dropped", stats.dropped);
	print(m, "stacks", "unreadable", stats.unreadable);
}

static void print_events(struct seq_file *m)
{
	const struct gomem_stream_stats stats = gomem_stream_stats();
	struct gomem_stream_cpu of_cpu;
	char scope[SCOPE_MAX];
	unsigned int cpu;

	print(m, "events", "readers", stats.readers);
	print(m, "events", "bytes", stats.bytes);
	for_each_possible_cpu(cpu) {
		of_cpu = gomem_stream_cpu(cpu);
		snprintf(scope, sizeof(scope), "events/cpu%u", cpu);
		print(m, scope, "put", of_cpu.put);
		print(m, scope, "lost", of_cpu.lost);
	}
}

static int print_target(struct seq_file *m, struct gomem_target *target)
{
	struct gomem_ledger_state state;
	char scope[SCOPE_MAX];
	int err = gomem_target_ledger(target, &state);

	if (err)
		return err;
	snprintf(scope, sizeof(scope), "pid%d", pid_vnr(target->pid));
	print(m, scope, "bytes", state.bytes);
	print(m, scope, "records", state.records);
	print(m, scope, "dropped", state.dropped);
	return 0;
}

static int stats_show(struct seq_file *m, void *v)
{
	const struct gomem_proc_cursor *cursor = m->private;

	if (v != SEQ_START_TOKEN)
		return print_target(m, cursor->target);
	gomem_rows_title(m, "stats", "");
	stats_header(m);
	print_hooks(m);
	print_walks(m);
	print_stacks(m);
	print_events(m);
	return 0;
}

GOMEM_PROC_CURSOR_OPEN(stats, gomem_proc_cursor_next, stats_show)

const struct proc_ops gomem_proc_stats_ops = {
	.proc_open = stats_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = gomem_proc_cursor_release,
};
