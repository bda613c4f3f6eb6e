/* SPDX-License-Identifier: GPL-2.0 */
/* Tell a page fault from the second try of the one before. */
#ifndef GOMEM_RETRY_H
#define GOMEM_RETRY_H

#include <linux/types.h>

/**
 * gomem_retry_is() - is this call of handle_mm_fault() one more try of the same fault?
 * @addr: the address it is called with
 * @flags: its fault flags
 *
 * For the probe handler, in the faulting task. Each fault that is tried anew without
 * FAULT_FLAG_TRIED was first tried under the lock of the VMA; that try is remembered.
 */
bool gomem_retry_is(unsigned long addr, unsigned int flags);

#endif /* GOMEM_RETRY_H */
