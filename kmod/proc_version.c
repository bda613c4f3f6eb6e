// SPDX-License-Identifier: GPL-2.0
#include "proc_files.h"

#include <linux/seq_file.h>
#include <linux/utsname.h>

#include "rows.h"

GOMEM_ROW(version, GOMEM_VERSION_COLUMNS)

static int version_show(struct seq_file *m, void *v)
{
	const struct version_row row = {
		.module = GOMEM_VERSION,
		.contract = GOMEM_CONTRACT_VERSION,
		.kernel = utsname()->release,
	};

	gomem_rows_title(m, "version", "");
	version_header(m);
	version_print(m, &row);
	return 0;
}

static int version_open(struct inode *inode, struct file *file)
{
	return single_open(file, version_show, NULL);
}

const struct proc_ops gomem_proc_version_ops = {
	.proc_open = version_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};
