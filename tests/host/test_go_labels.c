// SPDX-License-Identifier: GPL-2.0-or-later
/* go: labels of goroutines, from memory made here: both forms, cut, circular, and random. */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "go/goroutine.h"
#include "go/label_sets.h"
#include "os/mem_source.h"
#include "tap.h"

#define SLICES 24 /* labels are a slice from this Go on */
#define MAPS 23
#define LABELS_MAX 64
#define TEXT_MAX 1024
#define PAGES_BYTES 65536

/* Go src/runtime/map.go, src/runtime/pprof/label.go */
struct go_string {
	const char *data;
	uint64_t length;
};

struct go_label {
	struct go_string key;
	struct go_string value;
};

struct go_slice {
	const void *array;
	uint64_t length;
	uint64_t capacity;
};

struct go_bucket {
	uint8_t top[8];
	struct go_string keys[8];
	struct go_string values[8];
	const void *next;
};

struct go_map {
	uint64_t count;
	uint8_t flags;
	uint8_t shift;
	uint16_t overflow;
	uint32_t seed;
	const void *buckets;
	const void *old_buckets;
};

static struct gm_mem *mem;

static struct go_string string(const char *text)
{
	return (struct go_string){ text, strlen(text) };
}

/* How many labels there are, or the negative errno of the error. */
static int64_t read_labels(unsigned int minor, const void *pointer, struct gm_go_labels *labels)
{
	struct gm_error *error = gm_go_labels_read(mem, minor, (uintptr_t)pointer, labels);
	int64_t result = error ? -error->code : (int64_t)labels->count;

	gm_error_destroy(error);
	return result;
}

static void reads(unsigned int minor, const void *pointer, int64_t expected, const char *what)
{
	struct gm_go_labels labels = {};

	tap_u64(read_labels(minor, pointer, &labels), expected, what, "construction");
	gm_go_labels_deinit(&labels);
}

static void is_label(const struct gm_go_labels *labels, size_t index, const char *key,
		     const char *value)
{
	tap_str(index < labels->count ? labels->items[index].key : NULL, key, "a key",
		"construction");
	tap_str(index < labels->count ? labels->items[index].value : NULL, value, "its value",
		"construction");
}

static void test_slice(void)
{
	struct go_label list[LABELS_MAX + 1];
	struct go_slice slice = { list, 2, 2 };
	struct gm_go_labels labels = {};

	for (size_t i = 0; i <= LABELS_MAX; i++)
		list[i] = (struct go_label){ string("k"), string("v") };
	list[0] = (struct go_label){ string("endpoint"), string("/cart") };
	list[1] = (struct go_label){ string("tenant"), string("") };
	tap_u64(read_labels(SLICES, &slice, &labels), 2, "a slice of two", "construction");
	is_label(&labels, 0, "endpoint", "/cart");
	is_label(&labels, 1, "tenant", "");
	gm_go_labels_deinit(&labels);
	slice = (struct go_slice){ NULL, 0, 0 };
	reads(SLICES, &slice, 0, "an empty slice");
	slice = (struct go_slice){ list, LABELS_MAX, LABELS_MAX };
	reads(SLICES, &slice, LABELS_MAX, "as many as may be");
	slice = (struct go_slice){ list, LABELS_MAX + 1, LABELS_MAX + 1 };
	reads(SLICES, &slice, -EIO, "one more");
	slice = (struct go_slice){ list, 2, 1 };
	reads(SLICES, &slice, -EIO, "more than there is room for");
	slice = (struct go_slice){ list, 1ULL << 63, UINT64_MAX };
	reads(SLICES, &slice, -EIO, "2^63 of them");
	slice = (struct go_slice){ (void *)16, 2, 2 };
	reads(SLICES, &slice, -EFAULT, "none where they should be");
	reads(SLICES, (void *)UINTPTR_MAX, -EFAULT, "at the end of the address space");
}

static void test_strings(void)
{
	static char text[TEXT_MAX + 1];
	struct go_label label = { string("key"), { text, TEXT_MAX } };
	const struct go_slice slice = { &label, 1, 1 };

	memset(text, 'x', sizeof(text));
	reads(SLICES, &slice, 1, "the longest text");
	label.value.length++;
	reads(SLICES, &slice, -EIO, "one byte more");
	label.value.length = 1ULL << 63;
	reads(SLICES, &slice, -EIO, "2^63 bytes");
	label.value = (struct go_string){ (void *)8, 1 };
	reads(SLICES, &slice, -EFAULT, "a text that is nowhere");
	label.value = (struct go_string){ (void *)8, 0 };
	reads(SLICES, &slice, 1, "an empty one that is nowhere");
	label.value = string("a\x1b[2J");
	reads(SLICES, &slice, -EIO, "control characters");
	label.value = string("gr\xc3\xbc\xc3\x9f");
	reads(SLICES, &slice, 1, "UTF-8");
}

static void fill(struct go_bucket *bucket, size_t entry, const char *key, const char *value)
{
	bucket->top[entry] = 200;
	bucket->keys[entry] = string(key);
	bucket->values[entry] = string(value);
}

static void test_map(void)
{
	static struct go_bucket buckets[2], overflow, old;
	struct go_map map = { .count = 3, .shift = 1, .buckets = buckets };
	const void *pointer = &map, *none = NULL;
	struct gm_go_labels labels = {};

	fill(&buckets[1], 7, "b", "2");
	fill(&overflow, 0, "a", "1");
	buckets[1].next = &overflow;
	buckets[0].top[3] = 4; /* moved away: what stands there is old */
	buckets[0].keys[3] = string("moved");
	fill(&old, 2, "c", "3");
	map.old_buckets = &old;
	tap_u64(read_labels(MAPS, &pointer, &labels), 3, "a map that grows", "construction");
	is_label(&labels, 0, "a", "1");
	is_label(&labels, 1, "b", "2");
	is_label(&labels, 2, "c", "3");
	gm_go_labels_deinit(&labels);
	map.count = 2;
	reads(MAPS, &pointer, -EIO, "a map that holds more than it counts");
	map.count = 4;
	reads(MAPS, &pointer, -EIO, "a map that holds less");
	overflow.next = &overflow;
	map.count = 64;
	reads(MAPS, &pointer, -EIO, "a chain that is a circle");
	overflow.next = (void *)8;
	reads(MAPS, &pointer, -EFAULT, "a chain that leads nowhere");
	map.shift = 200;
	reads(MAPS, &pointer, -EIO, "2^200 buckets");
	map = (struct go_map){ .count = 1ULL << 63 };
	reads(MAPS, &pointer, -EIO, "2^63 labels");
	map = (struct go_map){};
	reads(MAPS, &pointer, 0, "an empty map");
	reads(MAPS, &none, 0, "no map");
}

/* A page of words that are mostly small or point into it. */
static void scramble(uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t word = (uint64_t)rand() << 31 ^ rand();

		switch (rand() % 4) {
		case 0:
			words[i] = word;
			break;
		case 1:
			words[i] = word % 70;
			break;
		default:
			words[i] = (uintptr_t)words + word % PAGES_BYTES;
		}
	}
}

static void test_random(void)
{
	uint64_t *words =
		mmap(NULL, PAGES_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct gm_go_labels labels = {};
	bool bounded = true;

	srand(1);
	for (size_t i = 0; i < 20000; i++) {
		if (i % 20 == 0)
			scramble(words, PAGES_BYTES / sizeof(*words));
		read_labels(i % 2 ? MAPS : SLICES, words + i * 8 % (PAGES_BYTES / 8), &labels);
		bounded = bounded && labels.count <= LABELS_MAX;
		gm_go_labels_deinit(&labels);
	}
	tap_ok(bounded, "whatever stands there, there are no more labels than may be");
	munmap(words, PAGES_BYTES);
}

static void test_sets(void)
{
	struct go_label label = { string("k"), string("v") };
	const struct go_slice one = { &label, 1, 1 }, none = {};
	const uintptr_t pointers[] = { (uintptr_t)&one,	 (uintptr_t)&one,
				       (uintptr_t)&none, 8,
				       (uintptr_t)&one,	 0 };
	const struct gm_go_labels *labels;
	struct gm_go_label_sets sets = {};
	bool wanted = true;

	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		struct gm_error *error = gm_go_label_sets_want(&sets, pointers[i]);

		wanted = wanted && !error;
		gm_error_destroy(error);
	}
	tap_ok(wanted, "sets are wanted, some of them twice");
	gm_go_label_sets_read(&sets, mem, SLICES);
	tap_u64(sets.count, 3, "each is read once", "construction");
	labels = gm_go_label_sets_of(&sets, (uintptr_t)&one);
	tap_str(labels ? labels->items[0].value : NULL, "v", "the set that can be read",
		"construction");
	tap_ok(!gm_go_label_sets_of(&sets, (uintptr_t)&none), "one without labels");
	tap_ok(!gm_go_label_sets_of(&sets, 8), "one that is not there");
	tap_ok(!gm_go_label_sets_of(&sets, 0), "none");
	tap_ok(!gm_go_label_sets_of(&sets, 16), "one that nobody wanted");
	gm_go_label_sets_deinit(&sets);
}

#define MANY 1000

static uint64_t calls;

static struct gm_error *count_pieces(struct gm_mem *counting, struct gm_mem_piece *pieces,
				     size_t count)
{
	(void)counting;
	calls++;
	return gm_mem_read_pieces(mem, pieces, count);
}

/* As a program makes them: what is alike lies side by side. */
static void test_cost(void)
{
	static const struct gm_mem_operations operations = { .read_pieces = count_pieces };
	struct gm_mem counting = { &operations };
	static struct go_label labels[MANY];
	static struct go_slice slices[MANY];
	struct gm_go_label_sets sets = {};
	size_t wrong = 0;

	for (size_t i = 0; i < MANY; i++) {
		labels[i] = (struct go_label){ string("k"), string("v") };
		slices[i] = (struct go_slice){ &labels[i], 1, 1 };
		gm_error_destroy(gm_go_label_sets_want(&sets, (uintptr_t)&slices[i]));
	}
	gm_go_label_sets_read(&sets, &counting, SLICES);
	for (size_t i = 0; i < MANY; i++)
		wrong += !gm_go_label_sets_of(&sets, (uintptr_t)&slices[i]);
	tap_u64(wrong, 0, "1000 sets", "construction");
	/* Of labels and slices there are 56 KiB. */
	tap_ok(calls < 30, "are read by the page");
	printf("# %" PRIu64 " reads\n", calls);
	gm_go_label_sets_deinit(&sets);
}

int main(void)
{
	struct gm_error *error = gm_mem_open_pid(getpid(), &mem);

	if (error) {
		printf("Bail out! %s\n", error->message);
		return 1;
	}
	test_slice();
	test_strings();
	test_map();
	test_random();
	test_sets();
	test_cost();
	gm_mem_destroy(mem);
	return tap_done();
}
