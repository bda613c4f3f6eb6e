// SPDX-License-Identifier: GPL-2.0-or-later
#include "out/bytes.h"

#include <inttypes.h>
#include <stdio.h>

/* Digits after the point that leave three in all; printf rounds 9.995 up to "10.00". */
static int decimals(double value)
{
	if (value >= 99.95)
		return 0;
	return value >= 9.995 ? 1 : 2;
}

char *gm_out_bytes(uint64_t bytes, char text[GM_OUT_BYTES_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	const char *const *unit = units;
	double value = bytes / 1024.0;

	if (bytes < 1024) {
		snprintf(text, GM_OUT_BYTES_MAX, "%" PRIu64 " B", bytes);
		return text;
	}
	for (; value >= 1023.5; unit++)
		value /= 1024;
	snprintf(text, GM_OUT_BYTES_MAX, "%.*f %s", decimals(value), value, *unit);
	return text;
}
