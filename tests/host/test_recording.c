// SPDX-License-Identifier: GPL-2.0-or-later
/* Tapes of memory, and recordings: what goes in comes out, and what others wrote is refused. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/zip.h"
#include "os/mem_source.h"
#include "recording/recording.h"
#include "tap.h"

#define SOURCE "what was put in"
#define GROUP (1ULL << GM_TAPE_GROUP_BITS)

static char path[] = "/tmp/gomem-test-recording-XXXXXX";

/* Each byte is the low byte of its address and of @shift; above 1 TiB there is nothing. */
struct fake {
	struct gm_mem mem;
	uint8_t shift;
};

static struct gm_error *read_fake(struct gm_mem *mem, struct gm_mem_piece *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		pieces[i].ok = pieces[i].address < 1ULL << 40;
		for (size_t at = 0; pieces[i].ok && at < pieces[i].size; at++)
			((uint8_t *)pieces[i].buffer)[at] =
				pieces[i].address + at + ((struct fake *)mem)->shift;
	}
	return NULL;
}

static void no_destroy(struct gm_mem *mem)
{
	(void)mem;
}

static void say_fake(const struct gm_mem *mem, char *text, size_t size)
{
	(void)mem;
	snprintf(text, size, "of nothing");
}

static const struct gm_mem_operations fake_operations = { read_fake, no_destroy, say_fake, NULL };

static uint8_t byte_at(struct gm_mem *mem, uint64_t address, bool *there)
{
	uint8_t byte = 0;
	struct gm_error *error = gm_mem_read(mem, address, &byte, 1);

	*there = !error;
	gm_error_destroy(error);
	return byte;
}

/* Ranges that overlap, touch, cross a group, and one that is read again with other bytes. */
static const struct {
	uint64_t address;
	size_t size;
	uint8_t shift;
} reads[] = { { GROUP * 9 - 10, 20, 0 }, { 4096, 100, 0 },	   { 4146, 100, 3 },
	      { 4246, 10, 0 },		 { GROUP * 9 + 50, 8, 0 }, { 1ULL << 41, 8, 0 } };

static void make_tape(struct gm_tape *tape)
{
	gm_auto(gm_mem) struct gm_mem *recorder = NULL;
	struct fake fake = { { &fake_operations }, 0 };
	char buffer[8192];

	if (gm_tape_record(&fake.mem, &recorder))
		return;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		fake.shift = reads[i].shift;
		gm_error_destroy(gm_mem_read(recorder, reads[i].address, buffer, reads[i].size));
	}
	tap_ok(!gm_tape_take(recorder, tape), "a tape");
}

static void check_tape(const struct gm_tape *tape, const char *what)
{
	gm_auto(gm_mem) struct gm_mem *mem = NULL;
	char buffer[200];
	bool there;

	printf("# %s\n", what);
	tap_u64(tape->count, 3, "ranges: two joined, one over groups, one apart", SOURCE);
	tap_u64(tape->size, 160 + 20 + 8, "bytes, each once", SOURCE);
	if (gm_tape_play(tape, &mem))
		return;
	tap_u64(byte_at(mem, 4096, &there), 0, "the first byte", SOURCE);
	tap_u64(byte_at(mem, 4200, &there), (uint8_t)(4200 + 3), "as it was last seen", SOURCE);
	tap_u64(byte_at(mem, GROUP * 9 + 9, &there), 9, "over a group", SOURCE);
	byte_at(mem, GROUP * 9 + 10, &there);
	tap_ok(!there, "nothing between ranges");
	byte_at(mem, 1ULL << 41, &there);
	tap_ok(!there, "nor what could not be read");
	tap_ok(!gm_mem_read(mem, 4096, buffer, 160), "a whole range");
}

static void test_tape(void)
{
	struct gm_tape tape = {}, again = {};
	struct gm_error *error = NULL;
	struct gm_tape_group group;
	size_t next = 0, groups = 0;
	uint64_t from = 0;

	make_tape(&tape);
	check_tape(&tape, "a tape");
	while (gm_tape_pack(&tape, &next, &from, &group, &error) && !error) {
		error = gm_tape_unpack(&again, group.packed, group.packed_size);
		free(group.packed);
		groups++;
	}
	tap_ok(!error, "packed and unpacked");
	tap_u64(groups, 3, "groups", SOURCE);
	check_tape(&again, "the same, packed and unpacked");
	gm_tape_deinit(&tape);
	gm_tape_deinit(&again);
}

/* A packed group that says what it should not. */
static void refuse_group(const void *raw, size_t size, const char *what)
{
	gm_autofree void *packed = NULL;
	struct gm_tape tape = {};
	struct gm_error *error;
	size_t packed_size;

	error = gm_zip(raw, size, &packed, &packed_size);
	if (!error)
		error = gm_tape_unpack(&tape, packed, packed_size);
	tap_u64(error ? error->code : 0, EBADMSG, what, "os/tape.h");
	gm_error_destroy(error);
	gm_tape_deinit(&tape);
}

static void test_hostile_tape(void)
{
	const struct __attribute__((packed)) {
		uint32_t count;
		uint64_t gap;
		uint32_t size;
		uint8_t bytes[4];
	} many = { 100, 0, 4, "" }, longer = { 1, 0, 5, "" }, huge = { 1, 0, UINT32_MAX, "" },
	  empty = { 1, 0, 0, "" }, around = { 1, UINT64_MAX - 1, 4, "" };

	refuse_group(&many, sizeof(many), "more ranges than there are");
	refuse_group(&longer, sizeof(longer), "more bytes than there are");
	refuse_group(&huge, sizeof(huge), "many more");
	refuse_group(&empty, sizeof(empty), "an empty range");
	refuse_group(&around, sizeof(around), "a range around the end");
	refuse_group("", 0, "nothing");
}

static void fill_maps(struct gm_sample *sample)
{
	sample->maps = calloc(1, sizeof(*sample->maps));
	*gm_vec_push(sample->maps) = (struct gm_vma){ 0x400000,		 0x500000, "r-xp",
						      GM_VMA_FILE,	 4096,	   77,
						      strdup("/a 'b'\n") };
	*gm_vec_push(sample->maps) =
		(struct gm_vma){ 0xffffffffff600000, 0xffffffffff601000, "--xp", GM_VMA_VDSO, 0, 0,
				 strdup("") };
}

static void fill_module(struct gm_sample *sample)
{
	struct gm_module_vma vma = { .pid = 5,
				     .start = 0x400000,
				     .perms = "r-xp",
				     .kind = "file",
				     .name = "x",
				     .faults = UINT64_MAX,
				     .rss = 12 };

	sample->watch = (struct gm_module_watch){ .watched = true, .age_ms = 9, .missed = 3 };
	*gm_vec_push(&sample->watch.vmas) = vma;
	vma.start = 0x500000;
	*gm_vec_push(&sample->watch.vmas) = vma;
}

static void fill_stacks(struct gm_sample *sample)
{
	struct gm_go_label_set *set = gm_vec_push(&sample->stacks_labels);
	struct gm_sample_code *code = gm_vec_push(&sample->codes);

	*gm_vec_push(&sample->stacks) = (struct gm_module_stack){ .pid = 4711,
								  .goid = 7,
								  .labels = 0xc000,
								  .kind = "mmap",
								  .size = 12,
								  .frames = "400010,400020" };
	sample->stacks_rate = 100;
	sample->stacks_remark = strdup("some were lost");
	set->pointer = 0xc000;
	*gm_vec_push(&set->labels) = (struct gm_go_label){ strdup("tenant"), strdup("a") };
	*code = (struct gm_sample_code){
		.address = 0x400010, .place = 1, .function = strdup("main.outer"), .line = 3
	};
	code = gm_vec_push(&sample->codes);
	*code = (struct gm_sample_code){ .address = 0x400010,
					 .function = strdup("main.inner"),
					 .inlined = true };
}

static void fill(struct gm_sample *sample, int64_t time_ms)
{
	*sample = (struct gm_sample){ .time_ms = time_ms,
				      .pid = 4711,
				      .rss_again = 8192,
				      .go_problem = strdup("not Go"),
				      .go_code = ENOENT };
	strcpy(sample->process.comm, "name");
	strcpy(sample->host.kernel, "6.1");
	sample->process.cgroup_max_bytes = GM_UNKNOWN;
	sample->host.max_ptes_none = 511;
	fill_maps(sample);
	fill_module(sample);
	fill_stacks(sample);
	sample->pages = calloc(1, sizeof(*sample->pages));
	sample->pages->source = GM_PAGES_SCAN;
	sample->pages->missing = strdup("much");
	*gm_vec_push(sample->pages) =
		(struct gomem_page_run){ .start = 0x400000, .pages = 2, .state = GOMEM_PAGE_FILE };
	make_tape(&sample->tape);
}

static void add(struct gm_recorder *recorder, int64_t time_ms)
{
	gm_auto(gm_bill) struct gm_bill *bill = NULL;
	struct gm_sample sample;

	fill(&sample, time_ms);
	if (tap_ok(!gm_bill_compute(sample.maps, sample.pages, NULL, 0, &bill), "a bill"))
		tap_ok(!gm_recorder_add(recorder, &sample, NULL, bill), "a sample is added");
	gm_sample_deinit(&sample);
}

/* Two samples, a minute apart. */
static void write_recording(void)
{
	gm_auto(gm_recorder) struct gm_recorder *recorder = NULL;
	struct gm_error *error;

	unlink(path);
	if (!tap_ok(!gm_recorder_create(path, &recorder), "a new recording"))
		return;
	add(recorder, 1700000000000);
	add(recorder, 1700000060000);
	gm_recorder_destroy(recorder);
	recorder = NULL;
	error = gm_recorder_create(path, &recorder);
	tap_u64(error ? error->code : 0, EEXIST, "it is not written over", "recording.h");
	gm_error_destroy(error);
}

static void check_stacks(const struct gm_sample *sample)
{
	const struct gm_go_labels *labels = gm_go_label_sets_of(&sample->stacks_labels, 0xc000);
	const struct gm_sample_code *code;
	size_t count;

	if (tap_u64(sample->stacks.count, 1, "the module's stacks", SOURCE)) {
		tap_str(sample->stacks.items[0].frames, "400010,400020", "frames", SOURCE);
		tap_u64(sample->stacks.items[0].goid, 7, "goroutine", SOURCE);
	}
	tap_str(sample->stacks.remark, "some were lost", "remark", SOURCE);
	tap_u64(sample->stacks_rate, 100, "rate", SOURCE);
	if (tap_ok(labels && labels->count == 1, "labels"))
		tap_str(labels->items[0].value, "a", "of the goroutine", SOURCE);
	/* Written twice, as this test does not say what is known. */
	code = gm_sample_codes_at(&sample->codes, 0x400010, &count);
	if (tap_u64(count, 4, "functions there", SOURCE))
		tap_str(code->function, "main.inner", "the innermost first", SOURCE);
	tap_ok(!gm_sample_codes_at(&sample->codes, 0x400011, &count), "none elsewhere");
}

static void check_sample(const struct gm_sample *sample)
{
	tap_u64(sample->pid, 4711, "pid", SOURCE);
	tap_u64(sample->time_ms, 1700000060000, "time", SOURCE);
	tap_str(sample->go_problem, "not Go", "problem", SOURCE);
	tap_str(sample->process.comm, "name", "name", SOURCE);
	tap_ok(sample->process.cgroup_max_bytes == GM_UNKNOWN, "unknown stays unknown");
	tap_u64(sample->host.max_ptes_none, 511, "the host's state", SOURCE);
	if (tap_u64(sample->maps->count, 2, "VMAs", SOURCE)) {
		tap_str(sample->maps->items[0].name, "/a 'b'\n", "a name of any bytes", SOURCE);
		tap_str(sample->maps->items[1].name, "", "and none", SOURCE);
		tap_u64(sample->maps->items[1].start, 0xffffffffff600000, "an address above 2^63",
			SOURCE);
		tap_u64(sample->maps->items[1].kind, GM_VMA_VDSO, "kind", SOURCE);
	}
	if (tap_u64(sample->pages->count, 1, "page runs", SOURCE))
		tap_u64(sample->pages->items[0].pages, 2, "pages", SOURCE);
	tap_str(sample->pages->missing, "much", "what the pages miss", SOURCE);
	if (tap_u64(sample->watch.vmas.count, 2, "the module's rows", SOURCE)) {
		tap_ok(sample->watch.vmas.items[1].faults == UINT64_MAX, "\"-\" stays \"-\"");
		tap_str(sample->watch.vmas.items[1].name, "x", "their names", SOURCE);
	}
	tap_u64(sample->watch.missed, 3, "missed", SOURCE);
	check_stacks(sample);
	check_tape(&sample->tape, "the memory");
	tap_u64(sample->tape_again.count, 0, "no second look", SOURCE);
}

static void find(struct gm_recording *recording, const char *which, int64_t expected)
{
	struct gm_error *error;
	int64_t sample = 0;

	error = gm_recording_find(recording, which, &sample);
	tap_u64(error ? 0 : sample, expected, which ?: "the last", "recording.h");
	gm_error_destroy(error);
}

static void test_find(struct gm_recording *recording)
{
	setenv("TZ", "UTC", 1);
	find(recording, NULL, 2);
	find(recording, "1", 1);
	find(recording, "3", 0);
	find(recording, "0", 0);
	find(recording, "-1", 0);
	find(recording, "2023-11-14 22:13:20", 1);
	find(recording, "2023-11-14T22:14:19", 1);
	find(recording, "2023-11-14 22:14", 1);
	find(recording, "22:14:20", 2);
	find(recording, "22:13:19", 0);
	find(recording, "soon", 0);
}

static int64_t count_blocks(void)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *sqlite = NULL;
	int64_t count = -1;

	sqlite3_open(path, &sqlite);
	sqlite3_prepare_v2(sqlite, "SELECT count(*) FROM memory_blocks", -1, &statement, NULL);
	if (sqlite3_step(statement) == SQLITE_ROW)
		count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(sqlite);
	return count;
}

static void test_round_trip(void)
{
	gm_auto(gm_recording) struct gm_recording *recording = NULL;
	struct gm_sample sample = {};

	write_recording();
	tap_u64(count_blocks(), 3, "what did not change is kept once", SOURCE);
	if (!tap_ok(!gm_recording_open(path, &recording), "it opens"))
		return;
	test_find(recording);
	if (tap_ok(!gm_recording_read(recording, 2, &sample), "a sample is read"))
		check_sample(&sample);
	gm_sample_deinit(&sample);
}

static struct gm_error *read_last(void)
{
	gm_auto(gm_recording) struct gm_recording *recording = NULL;
	struct gm_sample sample = {};
	struct gm_error *error = gm_recording_open(path, &recording);
	int64_t id;

	if (!error)
		error = gm_recording_find(recording, NULL, &id);
	if (!error)
		error = gm_recording_read(recording, id, &sample);
	gm_sample_deinit(&sample);
	return error;
}

/* What others may do to a recording; each must be refused. */
static const struct {
	const char *sql;
	int code;
} changes[] = {
	{ "PRAGMA application_id = 1", EBADMSG },
	{ "PRAGMA user_version = 1", ENOTSUP },
	{ "DROP TABLE totals", ENOTSUP },
	{ "DROP TABLE goroutine_states", ENOTSUP },
	{ "ALTER TABLE bill ADD COLUMN more", ENOTSUP },
	{ "ALTER TABLE samples RENAME TO s; CREATE VIEW samples AS SELECT * FROM s", ENOTSUP },
	{ "DELETE FROM samples", EBADMSG },
	{ "INSERT INTO samples SELECT * FROM samples", EBADMSG },
	{ "DELETE FROM host", EBADMSG },
	{ "UPDATE vmas SET \"end\" = start", EINVAL },
	{ "UPDATE vmas SET start = 0", EINVAL },
	{ "UPDATE vmas SET perms = 'r'", EBADMSG },
	{ "UPDATE vmas SET kind = 'new'", EBADMSG },
	{ "UPDATE pages SET source = 0", EBADMSG },
	{ "UPDATE pages SET source = 99", EBADMSG },
	{ "UPDATE runs SET bytes = x'00'", EBADMSG },
	{ "UPDATE runs SET bytes = x'28b52ffd200361000061'", EBADMSG },
	{ "DELETE FROM runs", EBADMSG },
	{ "UPDATE memory_blocks SET bytes = x''", EBADMSG },
	{ "DELETE FROM memory_blocks", EBADMSG },
	{ "UPDATE memory SET block = 1", EBADMSG },
	{ "UPDATE samples SET go_problem = NULL", EBADMSG },
	{ "UPDATE stack_labels SET key = NULL", EBADMSG },
	{ "DROP TABLE module_stacks", ENOTSUP },
};

static void test_changed(const char *sql, int code)
{
	sqlite3 *sqlite = NULL;
	struct gm_error *error;

	write_recording();
	sqlite3_open(path, &sqlite);
	tap_ok(!sqlite3_exec(sqlite, sql, NULL, NULL, NULL), sql);
	sqlite3_close(sqlite);
	error = read_last();
	if (!tap_u64(error ? error->code : 0, code, "is refused", "recording.h") && error)
		printf("# %s\n", error->message);
	gm_error_destroy(error);
}

/* Anything but a crash will do. */
static void test_flipped(void)
{
	uint8_t bytes[1 << 20];
	ssize_t size;
	int fd;

	write_recording();
	fd = open(path, O_RDONLY);
	size = read(fd, bytes, sizeof(bytes));
	close(fd);
	srandom(1);
	for (int i = 0; i < 300 && size > 0; i++) {
		size_t at = random() % size;
		uint8_t was = bytes[at];

		bytes[at] ^= 1 << random() % 8;
		fd = open(path, O_WRONLY | O_TRUNC);
		if (write(fd, bytes, i % 3 ? size : size - (ssize_t)(at % size)) < 0)
			abort();
		close(fd);
		gm_error_destroy(read_last());
		bytes[at] = was;
	}
	tap_ok(true, "bits flipped, ends cut: no crash");
}

int main(void)
{
	close(mkstemp(path));
	test_tape();
	test_hostile_tape();
	test_round_trip();
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		test_changed(changes[i].sql, changes[i].code);
	test_flipped();
	unlink(path);
	return tap_done();
}
