// SPDX-License-Identifier: GPL-2.0
/* Is the order of an XArray's entry told at its xa_state (6.10)? */
#include <linux/xarray.h>

int probe(struct xa_state *xas);
int probe(struct xa_state *xas)
{
	return xas_get_order(xas);
}
