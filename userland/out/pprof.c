// SPDX-License-Identifier: GPL-2.0-or-later
/* github.com/google/pprof, proto/profile.proto. */
#include "out/pprof.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/vec.h"

/* Fields of the messages. */
enum {
	PROFILE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION,
	PROFILE_STRING,
	PROFILE_DEFAULT = 14
};

enum { TYPE_TYPE = 1, TYPE_UNIT };
enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES };
enum { LOCATION_ID = 1, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME };

enum { WIRE_NUMBER = 0, WIRE_BYTES = 2 };

#define NAMES_MAX (1U << 20)
#define SAMPLE_BYTES ((GM_PPROF_STACK_MAX + 2) * 10 + 32)

struct bytes {
	GM_VEC(char);
};

/**
 * struct gm_pprof - the samples, encoded
 * @names: in the order of their numbers, the first is ""; @slots: open hash table of numbers
 *	and one, 0: none
 * @failed: memory was out
 */
struct gm_pprof {
	struct {
		GM_VEC(char *);
	} names;
	uint32_t *slots;
	struct bytes out;
	bool failed;
};

static struct gm_error *no_memory(void)
{
	return gm_error_errno(ENOMEM, "cannot make a profile");
}

void gm_pprof_destroy(struct gm_pprof *pprof)
{
	if (!pprof)
		return;
	for (size_t i = 0; i < pprof->names.count; i++)
		free(pprof->names.items[i]);
	free(pprof->names.items);
	free(pprof->slots);
	free(pprof->out.items);
	free(pprof);
}

static size_t put_varint(char *to, uint64_t value)
{
	size_t size = 0;

	for (; value >= 0x80; value >>= 7)
		to[size++] = (char)(value | 0x80);
	to[size++] = (char)value;
	return size;
}

static size_t put_number(char *to, unsigned int field, uint64_t value)
{
	size_t size = put_varint(to, field << 3 | WIRE_NUMBER);

	return size + put_varint(to + size, value);
}

static void append(struct gm_pprof *pprof, const void *bytes, size_t size)
{
	if (!gm_vec_reserve(&pprof->out, size + 1)) {
		pprof->failed = true;
		return;
	}
	memcpy(pprof->out.items + pprof->out.count, bytes, size);
	pprof->out.count += size;
}

/* A message or string of the profile itself. */
static void append_bytes(struct gm_pprof *pprof, unsigned int field, const void *bytes, size_t size)
{
	char head[20];
	size_t length = put_varint(head, field << 3 | WIRE_BYTES);

	length += put_varint(head + length, size);
	append(pprof, head, length);
	append(pprof, bytes, size);
}

static uint32_t hash(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return hash;
}

/* A string, and what it is the name of: a function and a place in it, all of one number. */
static void append_name(struct gm_pprof *pprof, const char *name, uint64_t number)
{
	char line[16], message[64];
	size_t size, line_size;

	append_bytes(pprof, PROFILE_STRING, name, strlen(name));
	if (!number)
		return;
	size = put_number(message, FUNCTION_ID, number);
	size += put_number(message + size, FUNCTION_NAME, number);
	append_bytes(pprof, PROFILE_FUNCTION, message, size);
	line_size = put_number(line, LINE_FUNCTION, number);
	size = put_number(message, LOCATION_ID, number);
	size += put_varint(message + size, LOCATION_LINE << 3 | WIRE_BYTES);
	size += put_varint(message + size, line_size);
	memcpy(message + size, line, line_size);
	append_bytes(pprof, PROFILE_LOCATION, message, size + line_size);
}

/* The number of a name; 0 where memory is out, or there are too many. */
static uint64_t number_of(struct gm_pprof *pprof, const char *name)
{
	uint32_t at = hash(name);
	uint32_t *slot = &pprof->slots[at % (2 * NAMES_MAX)];
	char **added;

	while (*slot && strcmp(pprof->names.items[*slot - 1], name))
		slot = &pprof->slots[++at % (2 * NAMES_MAX)];
	if (*slot)
		return *slot - 1;
	added = pprof->names.count < NAMES_MAX ? gm_vec_push(&pprof->names) : NULL;
	if (added)
		*added = strdup(name);
	if (!added || !*added) {
		pprof->failed = true;
		return 0;
	}
	*slot = pprof->names.count;
	append_name(pprof, name, *slot - 1);
	return *slot - 1;
}

struct gm_error *gm_pprof_create(const char *const types[2], const char *const units[2],
				 struct gm_pprof **out)
{
	struct gm_pprof *pprof = calloc(1, sizeof(*pprof));
	char message[64];
	size_t size;

	if (!pprof)
		return no_memory();
	pprof->slots = calloc(2UL * NAMES_MAX, sizeof(*pprof->slots));
	pprof->failed = !pprof->slots;
	/* The first string has to be the empty one. */
	if (!pprof->failed)
		number_of(pprof, "");
	for (size_t i = 0; i < 2 && !pprof->failed; i++) {
		size = put_number(message, TYPE_TYPE, number_of(pprof, types[i]));
		size += put_number(message + size, TYPE_UNIT, number_of(pprof, units[i]));
		append_bytes(pprof, PROFILE_TYPE, message, size);
	}
	if (!pprof->failed) {
		size = put_number(message, PROFILE_DEFAULT, number_of(pprof, types[1]));
		append(pprof, message, size);
	}
	*out = pprof;
	if (!pprof->failed)
		return NULL;
	gm_pprof_destroy(pprof);
	return no_memory();
}

struct gm_error *gm_pprof_add(struct gm_pprof *pprof, const char *const *stack, size_t count,
			      const uint64_t values[2])
{
	char message[SAMPLE_BYTES];
	size_t size = 0;

	for (size_t i = 0; i < count && i < GM_PPROF_STACK_MAX; i++)
		size += put_number(message + size, SAMPLE_LOCATIONS, number_of(pprof, stack[i]));
	for (size_t i = 0; i < 2; i++)
		size += put_number(message + size, SAMPLE_VALUES, values[i]);
	append_bytes(pprof, PROFILE_SAMPLE, message, size);
	return pprof->failed ? no_memory() : NULL;
}

static bool write_all(gzFile file, const struct bytes *bytes)
{
	size_t done = 0;

	while (done < bytes->count) {
		size_t left = bytes->count - done;
		unsigned int step = left < 1U << 20 ? left : 1U << 20;

		if (gzwrite(file, bytes->items + done, step) != (int)step)
			return false;
		done += step;
	}
	return true;
}

struct gm_error *gm_pprof_write(struct gm_pprof *pprof, const char *path)
{
	gzFile file = gzopen(path, "wbe");
	bool good;

	if (!file)
		return gm_error_errno(errno, "cannot write %s", path);
	errno = 0;
	good = write_all(file, &pprof->out);
	if (gzclose(file) == Z_OK && good)
		return NULL;
	return gm_error_errno(errno ?: EIO, "cannot write %s", path);
}
