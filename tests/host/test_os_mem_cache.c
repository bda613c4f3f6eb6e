// SPDX-License-Identifier: GPL-2.0-or-later
/* os: what comes out of a cache is what lies below it, and costs less. */
#include <errno.h>
#include <stdlib.h>

#include "os/mem_cache.h"
#include "os/mem_source.h"
#include "tap.h"

#define PAGE 4096
#define PAGES 64
#define BASE 0xc000000000
#define HOLE_PAGE 10 /* not there */
#define SHORT_PAGE 20 /* of this one the second half is not there */
#define MADE "construction"

static uint8_t bytes[PAGES * PAGE];
static uint64_t calls;
static bool is_gone;

static bool is_there(uint64_t offset)
{
	return offset < sizeof(bytes) && offset / PAGE != HOLE_PAGE &&
	       (offset / PAGE != SHORT_PAGE || offset % PAGE < PAGE / 2);
}

static struct gm_error *read_made(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	(void)mem;
	calls++;
	if (is_gone)
		return gm_error_create(ESRCH, "gone");
	for (size_t i = 0; i < count; i++) {
		struct gm_mem_piece *piece = &pieces[i];

		piece->ok = true;
		for (size_t at = 0; at < piece->size && piece->ok; at++) {
			piece->ok = is_there(piece->address - BASE + at);
			if (piece->ok)
				((uint8_t *)piece->buffer)[at] = bytes[piece->address - BASE + at];
		}
		if (!piece->ok)
			memset(piece->buffer, 0, piece->size);
	}
	return NULL;
}

static void say_made(const struct gm_mem *mem, char *text, size_t size)
{
	(void)mem;
	snprintf(text, size, "of a test");
}

static const struct gm_mem_operations operations = { read_made, NULL, say_made, NULL };
static struct gm_mem made = { &operations };

/* What the cache says of [address, address + size) is what lies there. */
static bool same(struct gm_mem *cache, uint64_t address, size_t size)
{
	static uint8_t direct[PAGES * PAGE], cached[PAGES * PAGE];
	struct gm_mem_piece one = { address, size, direct, false };
	struct gm_mem_piece two = { address, size, cached, false };

	memset(direct, 1, size);
	memset(cached, 2, size);
	if (gm_mem_read_pieces(&made, &one, 1) || gm_mem_read_pieces(cache, &two, 1))
		return false;
	return one.ok == two.ok && !memcmp(direct, cached, size);
}

static void test_random(struct gm_mem *cache)
{
	size_t wrong = 0;

	srand(2);
	for (int i = 0; i < 5000; i++)
		wrong += !same(cache, BASE + rand() % sizeof(bytes), rand() % 300);
	wrong += !same(cache, BASE, 5 * PAGE);
	wrong += !same(cache, BASE + 30 * PAGE + 1, 20 * PAGE);
	wrong += !same(cache, BASE + SHORT_PAGE * PAGE, PAGE / 2);
	wrong += !same(cache, BASE + SHORT_PAGE * PAGE + PAGE / 2 - 1, 2);
	wrong += !same(cache, BASE - 1, 2);
	wrong += !same(cache, UINT64_MAX, 1);
	wrong += !same(cache, 0, 0);
	tap_u64(wrong, 0, "what comes is what lies there, or an error where that is one", MADE);
}

/* Two pages that share a slot, in turn. */
static void test_slots(struct gm_mem *cache)
{
	uint8_t other = 0;
	struct gm_error *error = gm_mem_read(cache, BASE + (1 << 24), &other, 1);

	tap_ok(error && strstr(error->message, "of a test"), "the error says of whose memory");
	gm_error_destroy(error);
	tap_ok(same(cache, BASE, 16), "what had another page's place");
}

static void test_cost(struct gm_mem *cache)
{
	uint64_t word;

	calls = 0;
	for (size_t at = 0; at < 8 * PAGE; at += 16) {
		if (gm_mem_read(cache, BASE + 40 * PAGE + at, &word, sizeof(word)))
			abort();
	}
	tap_u64(calls, 8, "reads for 2048 words in 8 pages", MADE);
}

static void test_gone(struct gm_mem *cache)
{
	struct gm_error *error;
	uint64_t word;

	is_gone = true;
	error = gm_mem_read(cache, BASE + (1 << 24), &word, sizeof(word));
	tap_u64(error ? error->code : 0, ESRCH, "a process that is gone", "os/mem.h");
	gm_error_destroy(error);
	is_gone = false;
	error = gm_mem_read(cache, BASE + (1 << 24), &word, sizeof(word));
	tap_u64(error ? error->code : 0, EFAULT, "is not kept", "os/mem.h");
	gm_error_destroy(error);
}

int main(void)
{
	gm_auto(gm_mem) struct gm_mem *cache = NULL;
	struct gm_error *error = gm_mem_cache(&made, &cache);

	if (error)
		return 1;
	srand(1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = rand();
	test_cost(cache);
	test_random(cache);
	test_slots(cache);
	test_gone(cache);
	return tap_done();
}
