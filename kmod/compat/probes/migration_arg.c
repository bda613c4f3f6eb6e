// SPDX-License-Identifier: GPL-2.0
/*
 * Does remove_migration_ptes() do more than to find a lock held (6.12)? Then its rmap walk
 * hands on a struct, which starts with the old folio, and not the folio.
 */
#include <linux/rmap.h>

struct folio;

typedef void of_pages(struct page *src, struct page *dst, bool locked);
typedef void of_folios(struct folio *src, struct folio *dst, bool locked);

static_assert(!__builtin_types_compatible_p(typeof(remove_migration_ptes), of_pages));
static_assert(!__builtin_types_compatible_p(typeof(remove_migration_ptes), of_folios));
