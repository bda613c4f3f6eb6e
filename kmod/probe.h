/* SPDX-License-Identifier: GPL-2.0 */
/* What is told of a hook; hooks fill it in, /proc/gomem/probes shows it, main introduces them. */
#ifndef GOMEM_PROBE_H
#define GOMEM_PROBE_H

#include <linux/types.h>

/**
 * struct gomem_probe - a hook
 * @event: what it listens for
 * @symbol: the function it is planted at, or the last it was tried at
 * @type: "ftrace", "kprobe", "kretprobe" or "tracepoint"
 * @state: "planted", "disarmed" or "absent"
 * @why: why it is not planted and armed, NULL when it is
 * @hits: events it saw in targets
 * @missed: times the kernel could not run its handler
 * @timed: of the events, those whose handler was timed
 * @ns: how long it took in these
 */
struct gomem_probe {
	const char *event;
	const char *symbol;
	const char *type;
	const char *state;
	const char *why;
	u64 hits;
	u64 missed;
	u64 timed;
	u64 ns;
};

/** typedef gomem_probe_fn - tell of hook @index; false past the last */
typedef bool (*gomem_probe_fn)(unsigned int index, struct gomem_probe *probe);

#endif /* GOMEM_PROBE_H */
