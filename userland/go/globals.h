/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the runtime's globals are in a program without symbols. */
#ifndef GM_GO_GLOBALS_H
#define GM_GO_GLOBALS_H

#include "go/image.h"

/* By the code of functions that use them, which pclntab names; of those it cannot find the
 * address is 0. ENOTSUP: not even runtime.mheap_, or not for this machine.
 */
struct gm_error *
gm_go_globals_by_code(const struct gm_go_program *program, const struct gm_go_modules *modules,
		      const struct gm_go_layout *layout,
		      struct gm_go_variable globals[GM_GO_GLOBAL_COUNT]) GM_MUST_CHECK;

/* By what it holds: runtime.mheap_ among the variables that have pointers, 0 where nothing looks
 * like it. No code is asked. Only a process has it.
 */
uint64_t gm_go_globals_scan(const struct gm_go_program *program,
			    const struct gm_go_modules *modules, const struct gm_go_layout *layout);

#endif
