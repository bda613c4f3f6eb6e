/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/gomem/PID/pages: runs of page states, binary. */
#ifndef GOMEM_PAGES_H
#define GOMEM_PAGES_H

#include <linux/proc_fs.h>

/** gomem_pages_ops - the file's operations; the target is the entry's data */
extern const struct proc_ops gomem_pages_ops;

#endif /* GOMEM_PAGES_H */
