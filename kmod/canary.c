// SPDX-License-Identifier: GPL-2.0
#include "canary.h"

#include <linux/kprobes.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(canary_mutex); /* guards @heard: one calls at a time */
static bool heard;
static bool is_planted;

static noinline __noclone void canary(void)
{
	/* So that the call is made. */
	barrier();
}

static int on_canary(struct kprobe *kp, struct pt_regs *regs)
{
	WRITE_ONCE(heard, true);
	return 0;
}

NOKPROBE_SYMBOL(on_canary);

static struct kprobe probe = { .addr = (kprobe_opcode_t *)canary, .pre_handler = on_canary };

void gomem_canary_init(void)
{
	is_planted = !register_kprobe(&probe);
}

void gomem_canary_exit(void)
{
	if (is_planted)
		unregister_kprobe(&probe);
}

bool gomem_canary_sings(void)
{
	bool sings;

	if (!is_planted)
		return true;
	mutex_lock(&canary_mutex);
	WRITE_ONCE(heard, false);
	canary();
	sings = READ_ONCE(heard);
	mutex_unlock(&canary_mutex);
	return sings;
}
