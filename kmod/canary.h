/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Do kprobes reach their handlers? /sys/kernel/debug/kprobes/enabled disarms all of them at
 * once, and tells nobody: a function of the module's own has one, and is called to see.
 */
#ifndef GOMEM_CANARY_H
#define GOMEM_CANARY_H

#include <linux/types.h>

/** gomem_canary_init() - plant it; where that fails, kprobes are taken to be armed */
void gomem_canary_init(void);

/** gomem_canary_exit() - take it out; may sleep */
void gomem_canary_exit(void);

/** gomem_canary_sings() - are kprobes armed now? May sleep */
bool gomem_canary_sings(void);

#endif /* GOMEM_CANARY_H */
