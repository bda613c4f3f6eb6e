// SPDX-License-Identifier: GPL-2.0
/*
 * Is who splits a huge PMD given the folio that is to be behind it (as in 6.12)? Then another
 * one is left alone.
 */
#include <linux/mm.h>

typedef void of_any(struct vm_area_struct *vma, pmd_t *pmd, unsigned long address, bool freeze);

static_assert(!__builtin_types_compatible_p(typeof(__split_huge_pmd), of_any));
