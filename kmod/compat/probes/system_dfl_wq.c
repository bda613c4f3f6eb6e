// SPDX-License-Identifier: GPL-2.0
/* Does the workqueue whose workers are not bound to a CPU have the name it has since 6.17? */
#include <linux/workqueue.h>

struct workqueue_struct *probe(void);
struct workqueue_struct *probe(void)
{
	return system_dfl_wq;
}
