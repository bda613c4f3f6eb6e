// SPDX-License-Identifier: GPL-2.0
/* Are the entries of absent pages soft leaves (6.19)? */
#include <linux/swap.h>
#include <linux/leafops.h>

int probe(pte_t pte);
int probe(pte_t pte)
{
	return softleaf_is_swap(softleaf_from_pte(pte));
}
