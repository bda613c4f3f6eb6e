/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes for eyes. */
#ifndef GM_OUT_BYTES_H
#define GM_OUT_BYTES_H

#include <stdint.h>

/* Room for any size and the NUL. */
#define GM_OUT_BYTES_MAX 16

/* "0 B", "512 B", "4.00 KiB", "51.2 MiB", "412 MiB", "1.82 GiB": three digits,
 * rounded to nearest. Returns @text.
 */
char *gm_out_bytes(uint64_t bytes, char text[GM_OUT_BYTES_MAX]);

#endif
