/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole ELF file that inputs change here and there. */
#ifndef GM_FUZZ_PROGRAM_H
#define GM_FUZZ_PROGRAM_H

#include "fuzz.h"

/* One of the ELF files among the bases, by the input's first byte, changed by the rest of it. Its
 * path is good until the next call.
 */
const char *fuzz_program(const uint8_t *data, size_t size);

#endif
