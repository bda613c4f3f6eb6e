// SPDX-License-Identifier: GPL-2.0
/* Is a page mapped for a moment by kmap_local_page() (5.11)? */
#include <linux/highmem.h>

void *probe(struct page *page);
void *probe(struct page *page)
{
	return kmap_local_page(page);
}
