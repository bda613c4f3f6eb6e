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
	GM_TABLE_PAGES,
	GM_TABLE_GO,
	GM_TABLE_GO_GLOBALS,
	GM_TABLE_GO_LAYOUT,
	GM_TABLE_TOTALS,
	GM_TABLE_BILL,
	GM_TABLE_SIZE_CLASSES,
	GM_TABLE_GOROUTINES,
	GM_TABLE_MEMORY,
	GM_TABLES,
};

extern const struct gm_db_table gm_tables[GM_TABLES];

/* Those that no struct is a row of. */
#define GM_BLOCKS_SQL "CREATE TABLE memory_blocks (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)"
#define GM_RUNS_SQL "CREATE TABLE runs (sample INTEGER NOT NULL, bytes BLOB NOT NULL)"

#endif
