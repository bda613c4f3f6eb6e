/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listen: kprobes on what the kernel does to the memory of targets.
 *
 * One table names each event and the symbols that may stand for it. A hook finds the
 * target, says what happened and where, and decides nothing.
 */
#ifndef GOMEM_HOOKS_H
#define GOMEM_HOOKS_H

#include "probe.h"

/**
 * gomem_hooks_init() - plant every hook that can be planted
 *
 * Return: 0, -EBUSY when kernel.ftrace_enabled is 0, or the error of the last when not a
 * single one could.
 */
int gomem_hooks_init(void);

/** gomem_hooks_exit() - take them out; no handler runs any more when it returns */
void gomem_hooks_exit(void);

/** gomem_hooks_probe() - see gomem_probe_fn */
bool gomem_hooks_probe(unsigned int index, struct gomem_probe *probe);

#endif /* GOMEM_HOOKS_H */
