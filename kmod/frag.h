/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's state that decides whether a huge page can be had: the free lists, the
 * settings, and what the kernel counted since a target was attached.
 */
#ifndef GOMEM_FRAG_H
#define GOMEM_FRAG_H

#include <linux/types.h>
#include <linux/vm_event_item.h>

struct gomem_target;

/**
 * typedef gomem_frag_fn - gets one item
 * @scope: what it is of, "node0/Normal/order3" and the like
 * @item: its name
 * @value: its value, as text
 */
typedef void (*gomem_frag_fn)(void *arg, const char *scope, const char *item, const char *value);

/** gomem_frag_host() - tell of the host; may sleep */
void gomem_frag_host(gomem_frag_fn each, void *arg);

/** gomem_frag_target() - what changed since @target was attached, and its page tables */
void gomem_frag_target(struct gomem_target *target, const char *scope, gomem_frag_fn each,
		       void *arg);

/** gomem_frag_attach() - @target is attached, told of once or again. Return: 0 or -ENOMEM */
int gomem_frag_attach(struct gomem_target *target);

#endif /* GOMEM_FRAG_H */
