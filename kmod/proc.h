/* SPDX-License-Identifier: GPL-2.0 */
/* Tell: /proc/gomem, as include/gomem.h promises. */
#ifndef GOMEM_PROC_H
#define GOMEM_PROC_H

#include "probe.h"
#include "target.h"

/** gomem_proc_listener - makes and removes a target's directory */
extern const struct gomem_target_listener gomem_proc_listener;

/** gomem_proc_init() - make /proc/gomem; @probes tells of the hooks */
int gomem_proc_init(gomem_probe_fn probes);

/** gomem_proc_exit() - remove it; no reader is inside any more when it returns */
void gomem_proc_exit(void);

#endif /* GOMEM_PROC_H */
