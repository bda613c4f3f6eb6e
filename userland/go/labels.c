// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "go/goroutine.h"
#include "go/target.h"

#define LABELS_MAX 64
#define TEXT_MAX 1024

/* Go src/runtime/map.go, up to Go 1.23: map[string]string. Buckets of 8 entries: what of the
 * hash stands for each, the keys, the values, and the next bucket.
 */
#define MAP_SHIFT_MAX 8
#define BUCKET_ENTRIES 8
#define TOPHASH_MIN 5 /* below: empty, or moved to the new buckets */

struct go_string {
	uint64_t data;
	uint64_t length;
};

struct go_map {
	uint64_t count;
	uint8_t flags;
	uint8_t shift;
	uint16_t overflow;
	uint32_t seed;
	uint64_t buckets;
	uint64_t old_buckets;
};

struct go_bucket {
	uint8_t top[BUCKET_ENTRIES];
	struct go_string keys[BUCKET_ENTRIES];
	struct go_string values[BUCKET_ENTRIES];
	uint64_t next;
};

/* Since Go 1.24, src/runtime/pprof/label.go: a slice of these, by key. */
struct go_label {
	struct go_string key;
	struct go_string value;
};

/* @budget: buckets still to be read, as a chain may be a circle */
struct decoder {
	struct gm_mem *mem;
	struct gm_go_labels *labels;
	unsigned int budget;
};

static struct gm_error *none(const char *why)
{
	return gm_error_create(EIO, "no labels stand there: %s", why);
}

static bool is_text(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static struct gm_error *read_string(struct decoder *decoder, const struct go_string *string,
				    char **text)
{
	struct gm_error *error = NULL;

	if (string->length > TEXT_MAX)
		return none("a string is too long");
	*text = calloc(1, string->length + 1);
	if (!*text)
		return gm_error_create(ENOMEM, "out of memory");
	if (string->length)
		error = gm_mem_read(decoder->mem, string->data, *text, string->length);
	if (error || is_text(*text, string->length))
		return error;
	return none("a string is no text");
}

static struct gm_error *add_label(struct decoder *decoder, const struct go_string *key,
				  const struct go_string *value)
{
	struct gm_go_label *label;
	struct gm_error *error;

	if (decoder->labels->count == LABELS_MAX)
		return none("there are too many");
	label = gm_vec_push(decoder->labels);
	if (!label)
		return gm_error_create(ENOMEM, "out of memory");
	error = read_string(decoder, key, &label->key);
	return error ?: read_string(decoder, value, &label->value);
}

static struct gm_error *read_list(struct decoder *decoder, uint64_t pointer)
{
	struct go_label list[LABELS_MAX];
	struct gm_go_slice slice;
	struct gm_error *error;

	error = gm_mem_read(decoder->mem, pointer, &slice, sizeof(slice));
	if (error)
		return error;
	if (slice.length > LABELS_MAX || slice.length > slice.capacity)
		return none("there are too many");
	if (slice.length)
		error = gm_mem_read(decoder->mem, slice.array, list, slice.length * sizeof(*list));
	for (size_t i = 0; !error && i < slice.length; i++)
		error = add_label(decoder, &list[i].key, &list[i].value);
	return error;
}

static struct gm_error *read_bucket(struct decoder *decoder, uint64_t address, uint64_t *next)
{
	struct go_bucket bucket;
	struct gm_error *error;

	if (!decoder->budget--)
		return none("there are too many buckets");
	error = gm_mem_read(decoder->mem, address, &bucket, sizeof(bucket));
	for (size_t i = 0; !error && i < BUCKET_ENTRIES; i++)
		if (bucket.top[i] >= TOPHASH_MIN)
			error = add_label(decoder, &bucket.keys[i], &bucket.values[i]);
	*next = error ? 0 : bucket.next;
	return error;
}

static struct gm_error *read_buckets(struct decoder *decoder, uint64_t buckets, unsigned int shift)
{
	struct gm_error *error = NULL;

	for (uint64_t i = 0; !error && i < 1ULL << shift; i++) {
		uint64_t next = buckets + i * sizeof(struct go_bucket);

		while (!error && next)
			error = read_bucket(decoder, next, &next);
	}
	return error;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct gm_go_label *)a)->key, ((const struct gm_go_label *)b)->key);
}

static struct gm_error *read_map(struct decoder *decoder, uint64_t pointer)
{
	struct gm_go_labels *labels = decoder->labels;
	struct gm_error *error;
	struct go_map map;

	error = gm_mem_read(decoder->mem, pointer, &map, sizeof(map));
	if (error)
		return error;
	if (map.count > LABELS_MAX || map.shift > MAP_SHIFT_MAX)
		return none("the map is too large");
	decoder->budget = 4U << map.shift;
	if (map.buckets)
		error = read_buckets(decoder, map.buckets, map.shift);
	/* While it grows, by a factor or in place, what has not moved yet is in the old ones. */
	if (!error && map.old_buckets)
		error = read_buckets(decoder, map.old_buckets, map.shift ? map.shift - 1 : 0);
	if (!error && labels->count != map.count)
		return none("the map does not hold what it counts");
	if (!error && labels->count)
		qsort(labels->items, labels->count, sizeof(*labels->items), by_key);
	return error;
}

struct gm_error *gm_go_labels_read(struct gm_mem *mem, unsigned int minor, uint64_t pointer,
				   struct gm_go_labels *labels)
{
	struct decoder decoder = { .mem = mem, .labels = labels };
	struct gm_error *error;

	if (minor >= 24)
		return read_list(&decoder, pointer);
	error = gm_mem_read(mem, pointer, &pointer, sizeof(pointer));
	return error || !pointer ? error : read_map(&decoder, pointer);
}

void gm_go_labels_deinit(struct gm_go_labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		free(labels->items[i].key);
		free(labels->items[i].value);
	}
	free(labels->items);
	*labels = (struct gm_go_labels){};
}
