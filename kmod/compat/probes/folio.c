// SPDX-License-Identifier: GPL-2.0
/* Are there folios (5.16)? */
#include <linux/mm.h>

unsigned int probe(const struct folio *folio);
unsigned int probe(const struct folio *folio)
{
	return folio_order((struct folio *)folio);
}
