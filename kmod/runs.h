/* SPDX-License-Identifier: GPL-2.0 */
/* From what is seen to runs of pages that are alike, struct gomem_page_run. */
#ifndef GOMEM_RUNS_H
#define GOMEM_RUNS_H

#include <linux/pgtable.h>
#include <linux/types.h>

#include "page.h"
#include "view.h"

/*
 * Both: false when a run had no room, and @view->stopped_at says from where on.
 */

/** gomem_runs_add() - @pages from @addr on, all alike and not absent */
bool gomem_runs_add(struct gomem_view *view, unsigned long addr, unsigned long pages,
		    struct gomem_page what);

/** gomem_runs_table() - the entries of [@start, @end), in a VMA whose plain ones have a state */
bool gomem_runs_table(struct gomem_view *view, const pte_t *table, unsigned long start,
		      unsigned long end);

#endif /* GOMEM_RUNS_H */
