/* SPDX-License-Identifier: GPL-2.0 */
/* The files of /proc/gomem, one a proc_NAME.c; proc.c has the list that makes them. */
#ifndef GOMEM_PROC_FILES_H
#define GOMEM_PROC_FILES_H

#include <linux/proc_fs.h>

#include "probe.h"

extern const struct proc_ops gomem_proc_counts_ops;
extern const struct proc_ops gomem_proc_frag_ops;
extern const struct proc_ops gomem_proc_huge_ops;
extern const struct proc_ops gomem_proc_probes_ops;
extern const struct proc_ops gomem_proc_stacks_ops;
extern const struct proc_ops gomem_proc_stats_ops;
extern const struct proc_ops gomem_proc_summary_ops;
extern const struct proc_ops gomem_proc_targets_ops;
extern const struct proc_ops gomem_proc_version_ops;
extern const struct proc_ops gomem_proc_vmas_ops;

/** gomem_proc_probe_of - who tells of the hooks; set before the files are there */
extern gomem_probe_fn gomem_proc_probe_of;

#endif /* GOMEM_PROC_FILES_H */
