/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest TAP there is: each test is a file, each check a line, the plan comes last.
 *
 *	int main(void)
 *	{
 *		tap_u64(gm_thing(2), 4, "thing of 2", "by construction");
 *		return tap_done();
 *	}
 */
#ifndef GM_TAP_H
#define GM_TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

/* True when @condition held, so that a test can stop where going on makes no sense. */
static inline bool tap_ok(bool condition, const char *what)
{
	printf("%s %d - %s\n", condition ? "ok" : "not ok", ++tap_count, what);
	fflush(stdout);
	tap_failed += !condition;
	return condition;
}

/* @source: where the expected value comes from. */
static inline bool tap_u64(uint64_t came, uint64_t expected, const char *what, const char *source)
{
	if (tap_ok(came == expected, what))
		return true;
	printf("# expected %" PRIu64 " (0x%" PRIx64 "), from %s\n", expected, expected, source);
	printf("# came     %" PRIu64 " (0x%" PRIx64 ")\n", came, came);
	return false;
}

/* NULL is a string of its own. */
static inline bool tap_str(const char *came, const char *expected, const char *what,
			   const char *source)
{
	if (tap_ok(came && expected ? !strcmp(came, expected) : came == expected, what))
		return true;
	printf("# expected \"%s\", from %s\n", expected ? expected : "(null)", source);
	printf("# came     \"%s\"\n", came ? came : "(null)");
	return false;
}

/* A line that tells a check could not be made here; counts as passed. */
static inline void tap_skip(const char *what, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, what, why);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
