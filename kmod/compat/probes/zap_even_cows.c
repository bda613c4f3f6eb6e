// SPDX-License-Identifier: GPL-2.0
/* Do the details of a zap say that private copies go, too (5.18)? */
#include <linux/mm.h>

bool probe(const struct zap_details *details);
bool probe(const struct zap_details *details)
{
	return details->even_cows;
}
