// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/seq_file.h>

#include "rows.h"

GOMEM_ROW(probes, GOMEM_PROBES_COLUMNS)

gomem_probe_fn gomem_proc_probe_of;

static int probes_show(struct seq_file *m, void *v)
{
	struct gomem_probe probe;
	unsigned int i;

	gomem_rows_title(m, "probes", "");
	probes_header(m);
	for (i = 0; gomem_proc_probe_of(i, &probe); i++) {
		const struct probes_row row = {
			.event = probe.event,
			.symbol = probe.symbol,
			.type = probe.type,
			.state = probe.state,
			.hits = probe.hits,
			.missed = probe.missed,
			.why = probe.why,
			.timed = probe.timed,
			.ns = probe.ns,
		};

		probes_print(m, &row);
	}
	return 0;
}

static int probes_open(struct inode *inode, struct file *file)
{
	return single_open(file, probes_show, NULL);
}

const struct proc_ops gomem_proc_probes_ops = {
	.proc_open = probes_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};
