/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's settings for huge pages. No kernel exports them to modules; sysfs shows them. They
 * are read where sysfs has them, not where somebody mounted it: no reader's mounts matter.
 */
#ifndef GOMEM_SETTING_H
#define GOMEM_SETTING_H

#include <linux/types.h>

/** GOMEM_SETTING_MAX - room for the longest, with a NUL */
#define GOMEM_SETTING_MAX 64

/**
 * gomem_setting_read() - one setting
 * @name: below /sys/kernel/mm/transparent_hugepage/, that of a file
 * @value: gets its text, or of several words the chosen one, in brackets there
 *
 * May sleep. Return: 0, -ENOENT when this kernel has none, or what reading it returned.
 */
int gomem_setting_read(const char *name, char value[GOMEM_SETTING_MAX]);

#endif /* GOMEM_SETTING_H */
