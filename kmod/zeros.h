/* SPDX-License-Identifier: GPL-2.0 */
/* Huge pages that are mostly zeros: memory that a collapse or a huge fault made up. */
#ifndef GOMEM_ZEROS_H
#define GOMEM_ZEROS_H

#include <linux/mm_types.h>

/**
 * gomem_zeros_count() - pages of 4 KiB in a huge page that are all zeros, and not broken
 * @mm: whose memory; the caller holds mm_users
 * @addr: where the anonymous huge page is mapped
 *
 * Reads the page where it is, 2 MiB, without a lock, while its owner may write. May sleep.
 *
 * Return: 0 to 512, -ENOENT when no anonymous huge page is mapped there, -EINTR when killed.
 */
int gomem_zeros_count(struct mm_struct *mm, unsigned long addr);

#endif /* GOMEM_ZEROS_H */
