/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names are chosen by those who are looked at: no terminal shall obey them. */
#ifndef GM_OUT_CLEAN_H
#define GM_OUT_CLEAN_H

#include <stddef.h>

#include "base/error.h"

/* U+FFFD, for bytes that are no UTF-8 where all has to be. */
#define GM_OUT_REPLACEMENT "\xef\xbf\xbd"

/* Of the UTF-8 character at @text, which may be its end; 0: there is none. */
size_t gm_out_utf8_bytes(const char *text);

/* Of @size bytes, writes '?' over control characters but those in @keep, "\n\t", and U+00BF over
 * those of UTF-8 beyond ASCII (U+0080 to U+009F): what was UTF-8 stays so.
 */
void gm_out_clean(char *text, size_t size, const char *keep);

/* From here on stdout has no control characters but tabs and ends of lines. */
struct gm_error *gm_out_clean_stdout(void);

#endif
