// SPDX-License-Identifier: GPL-2.0-or-later
#include "recording/tables.h"

#define ONE 1
#define MANY (1U << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define COLUMN(row, member, name, type)                           \
	{                                                         \
		name, GM_DB_##type, offsetof(struct row, member), \
			sizeof(((struct row *)0)->member)         \
	}
#define SAME(row, member, type) COLUMN(row, member, #member, type)

static const struct gm_db_column samples[] = {
	SAME(gm_sample, time_ms, SIGNED),
	SAME(gm_sample, pid, INT),
	COLUMN(gm_sample, rss_again, "rss_again_bytes", NUMBER),
	SAME(gm_sample, go_problem, TEXT),
	SAME(gm_sample, go_code, INT),
	SAME(gm_sample, torn, FLAG),
	SAME(gm_sample, torn_again, FLAG),
	SAME(gm_sample, spans_ns, NUMBER),
	COLUMN(gm_sample, population_problem, "goroutines_problem", TEXT),
	COLUMN(gm_sample, population_code, "goroutines_code", INT),
	COLUMN(gm_sample, population.states.at, "goroutines_at_ns", SIGNED),
	COLUMN(gm_sample, population.moved, "goroutines_moved", NUMBER),
	SAME(gm_sample, stacks_rate, NUMBER),
	SAME(gm_sample, stacks_remark, TEXT),
	SAME(gm_sample, has_holders, FLAG),
	SAME(gm_sample, holders_problem, TEXT),
	SAME(gm_sample, holders_code, INT),
};

static const struct gm_db_column process[] = {
	SAME(gm_process, comm, ARRAY),
	SAME(gm_process, vm_size_bytes, NUMBER),
	SAME(gm_process, vm_rss_bytes, NUMBER),
	SAME(gm_process, threads, NUMBER),
	SAME(gm_process, start_ticks, NUMBER),
	SAME(gm_process, cgroup_current_bytes, NUMBER),
	SAME(gm_process, cgroup_max_bytes, NUMBER),
};

static const struct gm_db_column host[] = {
	SAME(gm_host, kernel, ARRAY),
	SAME(gm_host, thp_enabled, ARRAY),
	SAME(gm_host, thp_defrag, ARRAY),
	SAME(gm_host, max_ptes_none, NUMBER),
	SAME(gm_host, pages_to_scan, NUMBER),
	SAME(gm_host, scan_sleep_ms, NUMBER),
	SAME(gm_host, khugepaged_defrag, NUMBER),
	SAME(gm_host, thp_fault_alloc, NUMBER),
	SAME(gm_host, thp_fault_fallback, NUMBER),
	SAME(gm_host, thp_collapse_alloc, NUMBER),
	SAME(gm_host, thp_collapse_alloc_failed, NUMBER),
	SAME(gm_host, thp_split_pmd, NUMBER),
	SAME(gm_host, mem_total_bytes, NUMBER),
	SAME(gm_host, mem_available_bytes, NUMBER),
};

static const struct gm_db_column module[] = {
	SAME(gm_module_watch, watched, FLAG),	  SAME(gm_module_watch, age_ms, NUMBER),
	SAME(gm_module_watch, rss_bytes, NUMBER), SAME(gm_module_watch, walk_us, NUMBER),
	SAME(gm_module_watch, hold_us, NUMBER),	  SAME(gm_module_watch, dropped, NUMBER),
	SAME(gm_module_watch, missed, NUMBER),
};

static const struct gm_db_column vmas[] = {
	SAME(gm_row_vma, start, NUMBER),
	SAME(gm_row_vma, end, NUMBER),
	SAME(gm_row_vma, perms, ARRAY),
	SAME(gm_row_vma, kind, ARRAY),
	SAME(gm_row_vma, offset, NUMBER),
	SAME(gm_row_vma, inode, NUMBER),
	COLUMN(gm_row_vma, rss, "rss_bytes", NUMBER),
	COLUMN(gm_row_vma, anon, "anon_bytes", NUMBER),
	COLUMN(gm_row_vma, thp, "thp_bytes", NUMBER),
	COLUMN(gm_row_vma, swap, "swap_bytes", NUMBER),
	SAME(gm_row_vma, name, TEXT),
};

/* The contract's own columns, in its units. */
#define MODULE_DEC NUMBER
#define MODULE_HEX NUMBER
#define MODULE_STR TEXT
#define MODULE_COLUMN_(row, name, type) SAME(row, name, type),
#define MODULE_COLUMN(name, type) MODULE_COLUMN_(gm_module_vma, name, MODULE_##type)
static const struct gm_db_column module_vmas[] = { GOMEM_VMAS_COLUMNS(MODULE_COLUMN) };
#undef MODULE_COLUMN
#define MODULE_COLUMN(name, type) MODULE_COLUMN_(gm_module_block, name, MODULE_##type)
static const struct gm_db_column module_blocks[] = { GOMEM_HUGE_COLUMNS(MODULE_COLUMN) };

#undef MODULE_COLUMN
#define MODULE_COLUMN(name, type) MODULE_COLUMN_(gm_module_stack, name, MODULE_##type)
static const struct gm_db_column module_stacks[] = { GOMEM_STACKS_COLUMNS(MODULE_COLUMN) };

static const struct gm_db_column labels[] = {
	COLUMN(gm_row_label, set, "set", NUMBER),
	SAME(gm_row_label, key, TEXT),
	SAME(gm_row_label, value, TEXT),
};

static const struct gm_db_column pages[] = {
	SAME(gm_row_pages, source, NUMBER),
	SAME(gm_row_pages, missing, TEXT),
	SAME(gm_row_pages, took_ns, NUMBER),
};

static const struct gm_db_column go[] = {
	COLUMN(gm_go_image, version.text, "version", ARRAY),
	COLUMN(gm_go_image, version.minor, "minor", INT),
	COLUMN(gm_go_image, version.experiments, "experiments", ARRAY),
	COLUMN(gm_go_image, layout.source, "layout", ARRAY),
	COLUMN(gm_go_image, layout.machine, "machine", INT),
};

static const struct gm_db_column go_globals[] = {
	SAME(gm_row_place, name, ARRAY),
	SAME(gm_row_place, address, NUMBER),
	SAME(gm_row_place, size, NUMBER),
};

static const struct gm_db_column go_layout[] = {
	SAME(gm_row_place, name, ARRAY),
	COLUMN(gm_row_place, address, "offset", NUMBER),
	SAME(gm_row_place, size, NUMBER),
};

#define TOTAL(member) COLUMN(gm_go_totals, member, #member "_bytes", NUMBER)
static const struct gm_db_column totals[] = {
	TOTAL(heap_alloc),    TOTAL(heap_sys),
	TOTAL(heap_idle),     TOTAL(heap_inuse),
	TOTAL(heap_released), SAME(gm_go_totals, heap_objects, NUMBER),
	TOTAL(stack_inuse),   TOTAL(stack_sys),
	TOTAL(mspan_inuse),   TOTAL(mspan_sys),
	TOTAL(mcache_inuse),  TOTAL(mcache_sys),
	TOTAL(buckhash_sys),  TOTAL(gc_sys),
	TOTAL(other_sys),     SAME(gm_go_totals, num_gc, NUMBER),
};

static const struct gm_db_column bill[] = {
	COLUMN(gm_row_bill, class_, "class", ARRAY),
	SAME(gm_row_bill, state, ARRAY),
	SAME(gm_row_bill, bytes, NUMBER),
};

static const struct gm_db_column size_classes[] = {
	SAME(gm_class_use, elem_bytes, NUMBER),	    SAME(gm_class_use, spans, NUMBER),
	SAME(gm_class_use, span_bytes, NUMBER),	    SAME(gm_class_use, slots, NUMBER),
	SAME(gm_class_use, objects, NUMBER),	    SAME(gm_class_use, object_bytes, NUMBER),
	SAME(gm_class_use, free_bytes, NUMBER),	    SAME(gm_class_use, tail_bytes, NUMBER),
	SAME(gm_class_use, resident_bytes, NUMBER),
};

static const struct gm_db_column goroutines[] = {
	SAME(gm_sample_group, state, ARRAY),	   SAME(gm_sample_group, function, TEXT),
	SAME(gm_sample_group, creator, TEXT),	   SAME(gm_sample_group, system, FLAG),
	SAME(gm_sample_group, count, NUMBER),	   SAME(gm_sample_group, stack_bytes, NUMBER),
	SAME(gm_sample_group, used_bytes, NUMBER), SAME(gm_sample_group, resident_bytes, NUMBER),
};

static const struct gm_db_column wait_reasons[] = {
	SAME(gm_row_wait_reason, number, NUMBER),
	SAME(gm_row_wait_reason, text, ARRAY),
};

static const struct gm_db_column code[] = {
	SAME(gm_sample_code, address, NUMBER), SAME(gm_sample_code, place, NUMBER),
	SAME(gm_sample_code, function, TEXT),  SAME(gm_sample_code, mapped, TEXT),
	SAME(gm_sample_code, source, TEXT),    SAME(gm_sample_code, line, INT),
	SAME(gm_sample_code, inlined, FLAG),
};

static const struct gm_db_column refs[] = {
	SAME(gm_holders_totals, pid, NUMBER),
	SAME(gm_holders_totals, version, TEXT),
	SAME(gm_holders_totals, layout, TEXT),
	SAME(gm_holders_totals, live_objects, NUMBER),
	SAME(gm_holders_totals, live_bytes, NUMBER),
	SAME(gm_holders_totals, reached_objects, NUMBER),
	SAME(gm_holders_totals, reached_bytes, NUMBER),
	SAME(gm_holders_totals, references, NUMBER),
	SAME(gm_holders_totals, goroutines, NUMBER),
	SAME(gm_holders_totals, frames, NUMBER),
	SAME(gm_holders_totals, flux_references, NUMBER),
	SAME(gm_holders_totals, flux_spans, NUMBER),
	SAME(gm_holders_totals, flux_goroutines, NUMBER),
	SAME(gm_holders_totals, guessed_stack_bytes, NUMBER),
	SAME(gm_holders_totals, guessed_heap_bytes, NUMBER),
	SAME(gm_holders_totals, unreadable_bytes, NUMBER),
	SAME(gm_holders_totals, read_bytes, NUMBER),
	SAME(gm_holders_totals, gc_running, NUMBER),
	SAME(gm_holders_totals, heap_us, NUMBER),
	SAME(gm_holders_totals, roots_us, NUMBER),
	SAME(gm_holders_totals, edges_us, NUMBER),
	SAME(gm_holders_totals, types_us, NUMBER),
	SAME(gm_holders_totals, tree_us, NUMBER),
	SAME(gm_holders_totals, frozen_us, NUMBER),
	SAME(gm_holders_totals, peak_bytes, NUMBER),
};

static const struct gm_db_column holders[] = {
	SAME(gm_holders_row, pid, NUMBER),
	SAME(gm_holders_row, kind, TEXT),
	SAME(gm_holders_row, holder, TEXT),
	SAME(gm_holders_row, objects, NUMBER),
	SAME(gm_holders_row, bytes, NUMBER),
	SAME(gm_holders_row, retained_objects, NUMBER),
	SAME(gm_holders_row, retained_bytes, NUMBER),
};

static const struct gm_db_column types[] = {
	SAME(gm_holders_type, pid, NUMBER),
	SAME(gm_holders_type, type, TEXT),
	SAME(gm_holders_type, objects, NUMBER),
	SAME(gm_holders_type, bytes, NUMBER),
	SAME(gm_holders_type, retained_bytes, NUMBER),
};

static const struct gm_db_column holdings[] = {
	SAME(gm_holders_part, holder, NUMBER),
	SAME(gm_holders_part, type, NUMBER),
	SAME(gm_holders_part, objects, NUMBER),
	SAME(gm_holders_part, bytes, NUMBER),
};

static const struct gm_db_column memory[] = {
	SAME(gm_row_memory, look, NUMBER),
	SAME(gm_row_memory, block, NUMBER),
};

#define TABLE(columns, row, max) NAMED(#columns, columns, row, max)
#define NAMED(name, columns, row, max)                                 \
	{                                                              \
		name, columns, COUNT(columns), sizeof(struct row), max \
	}
const struct gm_db_table gm_tables[GM_TABLES] = {
	[GM_TABLE_SAMPLES] = TABLE(samples, gm_sample, ONE),
	[GM_TABLE_PROCESS] = TABLE(process, gm_process, ONE),
	[GM_TABLE_HOST] = TABLE(host, gm_host, ONE),
	[GM_TABLE_MODULE] = TABLE(module, gm_module_watch, ONE),
	[GM_TABLE_VMAS] = TABLE(vmas, gm_row_vma, MANY),
	[GM_TABLE_MODULE_VMAS] = TABLE(module_vmas, gm_module_vma, MANY),
	[GM_TABLE_MODULE_BLOCKS] = TABLE(module_blocks, gm_module_block, MANY),
	[GM_TABLE_MODULE_STACKS] = TABLE(module_stacks, gm_module_stack, MANY),
	[GM_TABLE_STACK_LABELS] = NAMED("stack_labels", labels, gm_row_label, MANY),
	[GM_TABLE_PAGES] = TABLE(pages, gm_row_pages, ONE),
	[GM_TABLE_GO] = TABLE(go, gm_go_image, ONE),
	[GM_TABLE_GO_GLOBALS] = TABLE(go_globals, gm_row_place, MANY),
	[GM_TABLE_GO_LAYOUT] = TABLE(go_layout, gm_row_place, MANY),
	[GM_TABLE_TOTALS] = TABLE(totals, gm_go_totals, ONE),
	[GM_TABLE_BILL] = TABLE(bill, gm_row_bill, MANY),
	[GM_TABLE_SIZE_CLASSES] = TABLE(size_classes, gm_class_use, MANY),
	[GM_TABLE_GOROUTINES] = TABLE(goroutines, gm_sample_group, MANY),
	[GM_TABLE_LABELS] = TABLE(labels, gm_row_label, MANY),
	[GM_TABLE_WAIT_REASONS] = TABLE(wait_reasons, gm_row_wait_reason, GM_GO_WAIT_REASONS_MAX),
	[GM_TABLE_CODE] = TABLE(code, gm_sample_code, MANY),
	[GM_TABLE_REFS] = TABLE(refs, gm_holders_totals, ONE),
	[GM_TABLE_HOLDERS] = TABLE(holders, gm_holders_row, MANY),
	[GM_TABLE_TYPES] = TABLE(types, gm_holders_type, MANY),
	[GM_TABLE_HOLDINGS] = TABLE(holdings, gm_holders_part, 8 * MANY),
	[GM_TABLE_MEMORY] = TABLE(memory, gm_row_memory, MANY),
};
