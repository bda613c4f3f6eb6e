// SPDX-License-Identifier: GPL-2.0-or-later
/* go: goroutines and wait reasons of a runtime made here in our own memory, right and hostile. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "go/goroutines.h"
#include "go/wait_reasons.h"
#include "tap.h"

#define MINOR 27
#define GS 8
#define SCAN 0x1000
#define REASONS 20

/* Go's: ptr, length */
struct go_string {
	const char *data;
	uint64_t length;
};

static struct {
	uint64_t allgs[3];
	uint64_t allm;
	uint64_t list[GS];
	uint8_t gs[GS + 2][1024] __attribute__((aligned(8)));
	uint8_t ms[2][4096] __attribute__((aligned(8)));
} fake;

static struct gm_go_image image;
static struct gm_mem *mem;

static uint64_t at(const void *pointer)
{
	return (uintptr_t)pointer;
}

static void put(void *record, enum gm_go_field field, uint64_t value)
{
	memcpy((char *)record + gm_go_layout_offset(&image.layout, field), &value,
	       gm_go_layout_size(&image.layout, field));
}

static void put_word(void *record, enum gm_go_field field, uint32_t offset, uint64_t value)
{
	memcpy((char *)record + gm_go_layout_offset(&image.layout, field) + offset, &value,
	       sizeof(value));
}

static void find_layout(void)
{
	for (size_t i = 0; i < gm_go_layout_rows; i++)
		if (gm_go_layout_table[i].minor == MINOR &&
		    gm_go_layout_table[i].machine == EM_X86_64)
			memcpy(image.layout.places, gm_go_layout_table[i].places,
			       sizeof(image.layout.places));
	image.layout.machine = EM_X86_64;
	image.globals[GM_GO_ALLGS].address = at(fake.allgs);
	image.globals[GM_GO_ALLM].address = at(&fake.allm);
}

static void *make_g(size_t index, uint64_t id, uint64_t status)
{
	void *g = fake.gs[index];

	put_word(g, GM_GO_G_STACK, 0, 0x10000 * (index + 1));
	put_word(g, GM_GO_G_STACK, 8, 0x10000 * (index + 1) + 0x2000);
	put(g, GM_GO_G_GOID, id);
	put(g, GM_GO_G_STATUS, status);
	put_word(g, GM_GO_G_SCHED, gm_go_layout_offset(&image.layout, GM_GO_GOBUF_SP),
		 0x10000 * (index + 1) + 0x1000);
	put_word(g, GM_GO_G_SCHED, gm_go_layout_offset(&image.layout, GM_GO_GOBUF_PC), 0x400100);
	return g;
}

/* Waiting and scanned, running, in a system call, dead, dead extra, without a stack; g0, gsignal */
static void make(void)
{
	void *g;

	memset(&fake, 0, sizeof(fake));
	g = make_g(0, 1, GM_GO_WAITING | SCAN);
	put(g, GM_GO_G_WAIT_REASON, 15);
	put(g, GM_GO_G_WAIT_SINCE, 12345);
	put(g, GM_GO_G_LABELS, 0x7000);
	put(g, GM_GO_G_GO_PC, 0x400200);
	put(g, GM_GO_G_START_PC, 0x400300);
	put(g, GM_GO_G_PARENT, 9);
	make_g(1, 2, GM_GO_RUNNING);
	g = make_g(2, 3, GM_GO_SYSCALL);
	put(g, GM_GO_G_SYSCALL_SP, 0x31800);
	put(g, GM_GO_G_SYSCALL_PC, 0x400400);
	make_g(3, 4, GM_GO_DEAD_G);
	make_g(4, 5, GM_GO_DEAD_EXTRA);
	g = make_g(5, 6, GM_GO_WAITING);
	put_word(g, GM_GO_G_STACK, 8, 0);
	make_g(GS, 0, GM_GO_IDLE_G);
	make_g(GS + 1, 0, GM_GO_IDLE_G);
	for (size_t i = 0; i < 6; i++)
		fake.list[i] = at(fake.gs[i]);
	fake.allgs[0] = at(fake.list);
	fake.allgs[1] = 6;
	fake.allgs[2] = GS;
	fake.allm = at(fake.ms[0]);
	put(fake.ms[0], GM_GO_M_G0, at(fake.gs[GS]));
	put(fake.ms[0], GM_GO_M_GSIGNAL, at(fake.gs[GS + 1]));
}

static int read_goroutines(struct gm_go_goroutines *goroutines)
{
	static const struct gm_maps no_maps;
	const struct gm_go_target target = { .mem = mem, .maps = &no_maps, .image = &image };
	struct gm_error *error = gm_go_goroutines_read(&target, goroutines);
	int code = error ? error->code : 0;

	gm_error_destroy(error);
	return code;
}

static void test_states(void)
{
	const struct gm_go_goroutine_state *waiting, *running, *syscall;
	struct gm_go_goroutines goroutines;

	make();
	tap_u64(read_goroutines(&goroutines), 0, "goroutines are read", "construction");
	if (!tap_u64(goroutines.count, 5, "dead ones and those without a stack left out",
		     "construction"))
		return;
	waiting = &goroutines.items[0];
	running = &goroutines.items[1];
	syscall = &goroutines.items[2];
	tap_u64(waiting->status, GM_GO_WAITING, "one that is scanned waits", "construction");
	tap_u64(waiting->wait_reason, 15, "for what", "construction");
	tap_u64(waiting->wait_since, 12345, "since when", "construction");
	tap_u64(waiting->parent, 9, "its parent", "construction");
	tap_u64(waiting->labels, 0x7000, "its labels", "construction");
	tap_u64(waiting->go_pc, 0x400200, "its go statement", "construction");
	tap_u64(waiting->start_pc, 0x400300, "its function", "construction");
	tap_u64(waiting->pc, 0x400100, "where it goes on", "construction");
	tap_u64(waiting->sp, 0x11000, "and with which stack pointer", "construction");
	tap_ok(!running->pc && !running->sp, "of one that runs nobody knows");
	tap_u64(syscall->pc, 0x400400, "in a system call, where it called", "construction");
	tap_u64(syscall->sp, 0x31800, "and its stack pointer", "construction");
	tap_u64(goroutines.items[3].kind, GM_GO_G_THREAD, "a thread's own stack", "construction");
	tap_u64(goroutines.items[4].kind, GM_GO_G_SIGNALS, "and that for signals", "construction");
	gm_go_goroutines_deinit(&goroutines);
}

static void count_moved(void *context, size_t index)
{
	uint64_t *moved = context;

	*moved |= 1ULL << index;
}

static void test_moved(void)
{
	static const struct gm_maps no_maps;
	const struct gm_go_target target = { .mem = mem, .maps = &no_maps, .image = &image };
	struct gm_go_goroutines goroutines;
	uint64_t moved = 0;

	make();
	read_goroutines(&goroutines);
	put(fake.gs[0], GM_GO_G_STATUS, GM_GO_WAITING);
	gm_error_destroy(gm_go_goroutines_reread(&target, &goroutines, count_moved, &moved));
	tap_u64(moved, 0, "that the GC is done with one is no move", "construction");
	put(fake.gs[0], GM_GO_G_GOID, 77);
	put(fake.gs[1], GM_GO_G_STATUS, GM_GO_RUNNABLE);
	put(fake.gs[2], GM_GO_G_SYSCALL_SP, 0x31900);
	gm_error_destroy(gm_go_goroutines_reread(&target, &goroutines, count_moved, &moved));
	tap_u64(moved, 7, "another in its place, another state, another place", "construction");
	gm_go_goroutines_deinit(&goroutines);
}

static void fails(int code, const char *what)
{
	struct gm_go_goroutines goroutines;

	tap_u64(read_goroutines(&goroutines), code, what, "construction");
	gm_go_goroutines_deinit(&goroutines);
}

static void test_hostile(void)
{
	struct gm_go_goroutines goroutines;

	make();
	fake.allgs[1] = 1ULL << 63;
	fake.allgs[2] = 1ULL << 63;
	fails(EIO, "2^63 goroutines");
	fake.allgs[1] = GM_GO_GOROUTINES_MAX + 1;
	fake.allgs[2] = GM_GO_GOROUTINES_MAX + 1;
	fails(EIO, "more than there may be");
	fake.allgs[1] = GM_GO_GOROUTINES_MAX;
	fake.allgs[2] = GM_GO_GOROUTINES_MAX;
	fails(EIO, "more than there is memory for");
	fake.allgs[1] = 6;
	fake.allgs[2] = 5;
	fails(EIO, "more than there is room for");
	make();
	fake.allgs[0] = 8;
	fails(EFAULT, "a list that is nowhere");
	make();
	fake.list[2] = 8;
	read_goroutines(&goroutines);
	tap_u64(goroutines.count, 4, "one that is nowhere is left out", "construction");
	gm_go_goroutines_deinit(&goroutines);
	make();
	fake.allm = 8;
	fails(EFAULT, "threads that are nowhere");
	make();
	put(fake.ms[0], GM_GO_M_ALLLINK, at(fake.ms[0]));
	tap_u64(read_goroutines(&goroutines), 0, "a list of threads that is a circle ends",
		"construction");
	gm_go_goroutines_deinit(&goroutines);
	make();
	image.globals[GM_GO_ALLGS].address = 0;
	fails(ENOTSUP, "a program that does not say where they are");
	image.globals[GM_GO_ALLGS].address = at(fake.allgs);
}

/* As in Go 1.27, but for most of them. */
static struct go_string reasons[REASONS + 1];

static void make_reasons(void)
{
	static const char *const texts[REASONS] = { "", "GC assist marking", "IO wait" };

	for (size_t i = 0; i < REASONS; i++) {
		const char *text = i < 3 ? texts[i] : "chan receive";

		reasons[i] = (struct go_string){ text, strlen(text) };
	}
	reasons[REASONS] = (struct go_string){ "behind", 1ULL << 63 };
}

static const char *reason_of(uint16_t reason, bool by_symbol, bool has_data)
{
	static struct gm_go_wait_reasons known;
	const struct gm_go_program program = { .mem = mem };
	const struct gm_go_variable variable = { by_symbol ? at(reasons) : 0,
						 REASONS * sizeof(*reasons) };
	struct gm_go_module module = { .data = { at(reasons) - 64,
						 at(reasons) + sizeof(reasons) } };
	const struct gm_go_modules modules = { .items = &module, .count = has_data };

	gm_go_wait_reasons_read(&program, &variable, &modules, &known);
	return gm_go_wait_reason(&known, reason);
}

static void test_reasons(void)
{
	make_reasons();
	tap_str(reason_of(2, true, false), "IO wait", "by its symbol", "construction");
	tap_str(reason_of(2, false, true), "IO wait", "by looking for it", "construction");
	tap_str(reason_of(0, true, false), "", "no reason", "construction");
	tap_str(reason_of(19, false, true), "chan receive", "the last one", "construction");
	tap_str(reason_of(20, true, false), NULL, "one that the table has not", "construction");
	tap_str(reason_of(20, false, true), NULL, "one behind its end", "construction");
	tap_str(reason_of(65535, true, true), NULL, "one far behind", "construction");
	tap_str(reason_of(2, false, false), NULL, "no table", "construction");
	reasons[5].data = "\x1b[2J........";
	tap_str(reason_of(5, true, false), NULL, "control characters", "construction");
	tap_str(reason_of(4, true, false), "chan receive", "those before", "construction");
	reasons[1].data = "GC assist mark1ng";
	tap_str(reason_of(2, true, true), NULL, "a table that begins otherwise is none",
		"construction");
}

int main(void)
{
	struct gm_error *error = gm_mem_open_pid(getpid(), &mem);

	if (error) {
		printf("Bail out! %s\n", error->message);
		return 1;
	}
	find_layout();
	test_states();
	test_moved();
	test_hostile();
	test_reasons();
	gm_mem_destroy(mem);
	return tap_done();
}
