// SPDX-License-Identifier: GPL-2.0
/* Is a call's kretprobe asked for (5.14), and no member? */
#include <linux/kprobes.h>

struct kretprobe *probe(struct kretprobe_instance *ri);
struct kretprobe *probe(struct kretprobe_instance *ri)
{
	return get_kretprobe(ri);
}
