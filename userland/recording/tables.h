/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of a recording, between its writer and its reader. Changing one raises
 * GM_RECORDING_VERSION.
 */
#ifndef GM_RECORDING_TABLES_H
#define GM_RECORDING_TABLES_H

#include "recording/db.h"
#include "recording/recording.h"

/* A row of "memory": block @block is a part of tape @look, 0 or 1. */
struct gm_row_memory {
	uint64_t look;
	uint64_t block;
};

/* Of "pages", beside the runs. @source: enum gm_pages_source. */
struct gm_row_pages {
	uint64_t source;
	char *missing;
	uint64_t took_ns;
};

/* A global or a field of the layout, by the name it has in go/image.h or go/layout.h. */
struct gm_row_place {
	char name[64];
	uint64_t address;
	uint64_t size;
};

/* A goroutine's label; @set: what g.labels of those that have it points to */
struct gm_row_label {
	uint64_t set;
	char *key;
	char *value;
};

/* What the number in a goroutine's state means. */
struct gm_row_wait_reason {
	uint64_t number;
	char text[GM_GO_WAIT_REASON_BYTES];
};

/* A goroutine or a thread's own, as struct gm_go_goroutine_state and struct gm_go_trace, in a
 * blob: their number, 8 bytes; these; then the addresses of the frames of all. Little endian.
 */
struct gm_row_state {
	uint64_t at;
	uint64_t id;
	uint64_t parent;
	int64_t wait_since;
	uint64_t go_pc;
	uint64_t start_pc;
	uint64_t pc;
	uint64_t sp;
	uint64_t stack_low;
	uint64_t stack_high;
	uint64_t m;
	uint64_t locked_m;
	uint64_t labels;
	uint32_t frames;
	uint16_t wait_reason;
	uint8_t kind;
	uint8_t status;
	uint8_t lack;
} __attribute__((packed));

/* A cell of the bill. */
struct gm_row_bill {
	char class_[32];
	char state[16];
	uint64_t bytes;
};

/* A VMA; @kind: as gm_vma_kind_name() says. */
struct gm_row_vma {
	uint64_t start;
	uint64_t end;
	char perms[5];
	char kind[16];
	uint64_t offset;
	uint64_t inode;
	uint64_t rss;
	uint64_t anon;
	uint64_t thp;
	uint64_t swap;
	char *name;
};

enum gm_table {
	GM_TABLE_SAMPLES,
	GM_TABLE_PROCESS,
	GM_TABLE_HOST,
	GM_TABLE_MODULE,
	GM_TABLE_VMAS,
	GM_TABLE_MODULE_VMAS,
	GM_TABLE_MODULE_BLOCKS,
	GM_TABLE_MODULE_STACKS,
	GM_TABLE_STACK_LABELS,
	GM_TABLE_PAGES,
	GM_TABLE_GO,
	GM_TABLE_GO_GLOBALS,
	GM_TABLE_GO_LAYOUT,
	GM_TABLE_TOTALS,
	GM_TABLE_BILL,
	GM_TABLE_SIZE_CLASSES,
	GM_TABLE_GOROUTINES,
	GM_TABLE_LABELS,
	GM_TABLE_WAIT_REASONS,
	GM_TABLE_CODE,
	GM_TABLE_REFS,
	GM_TABLE_HOLDERS,
	GM_TABLE_TYPES,
	GM_TABLE_HOLDINGS,
	GM_TABLE_MEMORY,
	GM_TABLES,
};

extern const struct gm_db_table gm_tables[GM_TABLES];

/* What tables have in their column sample where a row is of all samples. */
#define GM_ALL_SAMPLES 0

/* Those that no struct is a row of. */
#define GM_BLOCKS_SQL "CREATE TABLE memory_blocks (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)"
#define GM_RUNS_SQL "CREATE TABLE runs (sample INTEGER NOT NULL, bytes BLOB NOT NULL)"
#define GM_STATES_SQL "CREATE TABLE goroutine_states (sample INTEGER NOT NULL, bytes BLOB NOT NULL)"

#endif
