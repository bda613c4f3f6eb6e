// SPDX-License-Identifier: GPL-2.0
/* Is it pde_data() (5.17), and no longer PDE_DATA()? */
#include <linux/proc_fs.h>

void *probe(const struct inode *inode);
void *probe(const struct inode *inode)
{
	return pde_data(inode);
}
