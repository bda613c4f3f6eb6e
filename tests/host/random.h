/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GM_RANDOM_H
#define GM_RANDOM_H

#include <stdint.h>

/* xorshift64: the same inputs on every machine. */
static uint64_t random_state = 0x9e3779b97f4a7c15;

static inline uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

#endif
