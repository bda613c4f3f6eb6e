/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a goroutine waits for, in the words of the very runtime that it runs in: its own table
 * runtime.waitReasonStrings, as the numbers change from release to release.
 */
#ifndef GM_GO_WAIT_REASONS_H
#define GM_GO_WAIT_REASONS_H

#include "go/image.h"
#include "go/moduledata.h"

#define GM_GO_WAIT_REASONS_MAX 128
#define GM_GO_WAIT_REASON_BYTES 48

/* Zeroed knows none. */
struct gm_go_wait_reasons {
	char texts[GM_GO_WAIT_REASONS_MAX][GM_GO_WAIT_REASON_BYTES];
	size_t count;
};

/* Reads the table: @variable is where the symbols say it lies, at address 0 it is looked for in
 * the data of @modules. It is believed when it begins as in all releases so far (Go 1.15 to
 * 1.27); else @reasons knows none.
 */
void gm_go_wait_reasons_read(const struct gm_go_program *program,
			     const struct gm_go_variable *variable,
			     const struct gm_go_modules *modules,
			     struct gm_go_wait_reasons *reasons);

/* "chan receive"; NULL where it is not known, "" for none. */
const char *gm_go_wait_reason(const struct gm_go_wait_reasons *reasons, uint16_t reason);

#endif
