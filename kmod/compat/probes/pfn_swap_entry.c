// SPDX-License-Identifier: GPL-2.0
/* Are entries that lead to a page told by one question (5.14)? */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>

bool probe(swp_entry_t entry);
bool probe(swp_entry_t entry)
{
	return is_pfn_swap_entry(entry) && pfn_swap_entry_to_page(entry);
}
