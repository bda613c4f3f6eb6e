// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/goroutines.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX (1U << 16)
#define SCAN_BIT 0x1000 /* Go src/runtime/runtime2.go: _Gscan */

static const enum gm_go_field needed[] = {
	GM_GO_G_BYTES, GM_GO_G_STACK,	GM_GO_G_STATUS,	 GM_GO_G_M,
	GM_GO_G_SCHED, GM_GO_G_GOID,	GM_GO_GOBUF_SP,	 GM_GO_GOBUF_PC,
	GM_GO_M_G0,    GM_GO_M_GSIGNAL, GM_GO_M_ALLLINK,
};

static const char *const status_names[GM_GO_STATUSES] = {
	[GM_GO_IDLE_G] = "idle",	 [GM_GO_RUNNABLE] = "runnable",
	[GM_GO_RUNNING] = "running",	 [GM_GO_SYSCALL] = "syscall",
	[GM_GO_WAITING] = "waiting",	 [GM_GO_DEAD_G] = "dead",
	[GM_GO_COPYSTACK] = "copystack", [GM_GO_PREEMPTED] = "preempted",
	[GM_GO_LEAKED] = "leaked",	 [GM_GO_DEAD_EXTRA] = "dead extra",
};

const char *gm_go_status_name(uint8_t status)
{
	return status < GM_GO_STATUSES ? status_names[status] : NULL;
}

static struct gm_error *check_known(const struct gm_go_target *target)
{
	const struct gm_go_layout *layout = &target->image->layout;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!gm_go_layout_has(layout, needed[i]))
			return gm_error_create(ENOTSUP,
					       "cannot tell how %s lays out its goroutines"
					       " (layout: %s)",
					       target->image->version.text, layout->source);
	if (!target->image->globals[GM_GO_ALLGS].address ||
	    !target->image->globals[GM_GO_ALLM].address)
		return gm_error_create(ENOTSUP, "cannot find the goroutines of this %s program",
				       target->image->version.text);
	return NULL;
}

static struct gm_error *add(struct gm_go_goroutines *goroutines, enum gm_go_g_kind kind,
			    uint64_t at)
{
	struct gm_go_goroutine_state *state = gm_vec_push(goroutines);

	if (!state)
		return gm_error_errno(ENOMEM, "cannot list %zu goroutines", goroutines->count);
	state->kind = kind;
	state->at = at;
	return NULL;
}

/* Counters of RSS may lag that far behind. */
#define MEMORY_SLACK (64ULL << 20)
#define G_BYTES_MIN 376 /* of Go 1.15; none has less */

/* How many fit into what it has: to list them takes as much memory of ours. */
static uint64_t most_goroutines(const struct gm_go_target *target)
{
	uint64_t size = gm_go_layout_size(&target->image->layout, GM_GO_G_BYTES);
	uint64_t bytes = gm_mem_bytes(target->mem), most;

	if (bytes > UINT64_MAX - MEMORY_SLACK)
		return GM_GO_GOROUTINES_MAX;
	most = (bytes + MEMORY_SLACK) / (size > G_BYTES_MIN ? size : G_BYTES_MIN);
	return most < GM_GO_GOROUTINES_MAX ? most : GM_GO_GOROUTINES_MAX;
}

static struct gm_error *check_room(const struct gm_go_target *target, uint64_t most)
{
	struct gm_go_slice list;
	struct gm_error *error;

	error = gm_go_read_slice(target, target->image->globals[GM_GO_ALLGS].address,
				 sizeof(uint64_t), GM_GO_GOROUTINES_MAX, &list);
	if (error || list.length <= most)
		return error;
	return gm_go_nonsense(target,
			      "it lists %" PRIu64 " goroutines, but the memory that it has is"
			      " enough for %" PRIu64,
			      list.length, most);
}

static struct gm_error *list_goroutines(const struct gm_go_target *target,
					struct gm_go_goroutines *goroutines)
{
	gm_autofree uint64_t *addresses = NULL;
	uint64_t most = most_goroutines(target);
	struct gm_error *error = check_room(target, most);
	size_t count;

	if (error)
		return error;
	error = gm_go_read_items(target, target->image->globals[GM_GO_ALLGS].address,
				 sizeof(*addresses), most, (void **)&addresses, &count);
	if (!error && !gm_vec_reserve(goroutines, count))
		return gm_error_errno(ENOMEM, "cannot list %zu goroutines", count);
	for (size_t i = 0; i < count && !error; i++)
		error = add(goroutines, GM_GO_G_GOROUTINE, addresses[i]);
	return error;
}

static struct gm_error *list_thread(const struct gm_go_target *target, uint64_t m,
				    struct gm_go_goroutines *goroutines, uint64_t *next)
{
	const struct gm_go_layout *layout = &target->image->layout;
	const enum gm_go_field fields[] = { GM_GO_M_G0, GM_GO_M_GSIGNAL, GM_GO_M_ALLLINK };
	uint64_t values[3];
	struct gm_error *error = NULL;

	for (size_t i = 0; i < 3 && !error; i++)
		error = gm_go_read_number(target, m + gm_go_layout_offset(layout, fields[i]),
					  sizeof(values[i]), &values[i]);
	if (!error)
		error = add(goroutines, GM_GO_G_THREAD, values[0]);
	if (!error)
		error = add(goroutines, GM_GO_G_SIGNALS, values[1]);
	*next = error ? 0 : values[2];
	return error;
}

/* Down the list of them, which a thread that begins or ends changes at its head. */
static struct gm_error *list_threads(const struct gm_go_target *target,
				     struct gm_go_goroutines *goroutines)
{
	struct gm_error *error;
	uint64_t m;

	error = gm_go_read_number(target, target->image->globals[GM_GO_ALLM].address, sizeof(m),
				  &m);
	for (size_t i = 0; m && i < THREADS_MAX && !error; i++)
		error = list_thread(target, m, goroutines, &m);
	return error;
}

/* A bounded record of the g, and what to take from it. */
struct copy {
	const struct gm_go_layout *layout;
	const char *record;
};

static uint64_t number(const struct copy *copy, enum gm_go_field field)
{
	return gm_go_layout_number(copy->layout, field, copy->record);
}

static uint64_t word(const struct copy *copy, enum gm_go_field field, uint32_t offset)
{
	const struct gm_go_place *place = &copy->layout->places[field];
	uint64_t value = 0;

	if (offset <= place->size && place->size - offset >= sizeof(value))
		memcpy(&value, copy->record + place->offset + offset, sizeof(value));
	return value;
}

/* As the runtime's own traceback does: what entered the kernel left word of it elsewhere. */
static void take_place(const struct copy *copy, struct gm_go_goroutine_state *state)
{
	const struct gm_go_layout *layout = copy->layout;

	if (state->status == GM_GO_RUNNING)
		return;
	state->sp = number(copy, GM_GO_G_SYSCALL_SP);
	state->pc = number(copy, GM_GO_G_SYSCALL_PC);
	if (state->sp)
		return;
	state->sp = word(copy, GM_GO_G_SCHED, gm_go_layout_offset(layout, GM_GO_GOBUF_SP));
	state->pc = word(copy, GM_GO_G_SCHED, gm_go_layout_offset(layout, GM_GO_GOBUF_PC));
}

static void take(const struct copy *copy, struct gm_go_goroutine_state *state)
{
	state->status = number(copy, GM_GO_G_STATUS) & ~SCAN_BIT;
	state->stack_low = word(copy, GM_GO_G_STACK, 0);
	state->stack_high = word(copy, GM_GO_G_STACK, 8);
	state->m = number(copy, GM_GO_G_M);
	state->pc = 0;
	state->sp = 0;
	if (state->kind != GM_GO_G_GOROUTINE)
		return;
	state->id = number(copy, GM_GO_G_GOID);
	state->parent = number(copy, GM_GO_G_PARENT);
	state->wait_reason = number(copy, GM_GO_G_WAIT_REASON);
	state->wait_since = number(copy, GM_GO_G_WAIT_SINCE);
	state->go_pc = number(copy, GM_GO_G_GO_PC);
	state->start_pc = number(copy, GM_GO_G_START_PC);
	state->locked_m = number(copy, GM_GO_G_LOCKED_M);
	state->labels = number(copy, GM_GO_G_LABELS);
	take_place(copy, state);
}

static struct gm_error *gather(const struct gm_go_target *target,
			       const struct gm_go_goroutines *goroutines, gm_go_got got,
			       void *context)
{
	gm_autofree struct gm_go_want *wants = calloc(goroutines->count + 1, sizeof(*wants));
	uint32_t size = gm_go_layout_size(&target->image->layout, GM_GO_G_BYTES);

	if (!wants)
		return gm_error_errno(ENOMEM, "cannot copy %zu goroutines", goroutines->count);
	for (size_t i = 0; i < goroutines->count; i++)
		wants[i] = (struct gm_go_want){ .address = goroutines->items[i].at,
						.size = size,
						.index = i };
	return gm_go_gather(target, wants, goroutines->count, got, context);
}

struct reading {
	const struct gm_go_layout *layout;
	struct gm_go_goroutines *goroutines;
};

/* What cannot be read counts as ended. */
static void got_state(void *context, uint32_t index, const void *record)
{
	struct reading *reading = context;
	struct gm_go_goroutine_state *state = &reading->goroutines->items[index];
	const struct copy copy = { reading->layout, record };

	state->status = GM_GO_DEAD_G;
	if (record)
		take(&copy, state);
}

static bool has_ended(const struct gm_go_goroutine_state *state)
{
	return state->status == GM_GO_DEAD_G || state->status == GM_GO_DEAD_EXTRA ||
	       state->stack_low >= state->stack_high || state->stack_high > GM_GO_ADDRESS_MAX;
}

static void leave_out_ended(struct gm_go_goroutines *goroutines)
{
	size_t kept = 0;

	for (size_t i = 0; i < goroutines->count; i++)
		if (!has_ended(&goroutines->items[i]))
			goroutines->items[kept++] = goroutines->items[i];
	goroutines->count = kept;
}

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct gm_error *gm_go_goroutines_read(const struct gm_go_target *target,
				       struct gm_go_goroutines *goroutines)
{
	struct gm_error *error = check_known(target);
	struct reading reading;

	*goroutines = (struct gm_go_goroutines){ .at = monotonic_ns() };
	reading = (struct reading){ &target->image->layout, goroutines };
	if (!error)
		error = list_goroutines(target, goroutines);
	if (!error)
		error = list_threads(target, goroutines);
	if (!error)
		error = gather(target, goroutines, got_state, &reading);
	if (!error)
		leave_out_ended(goroutines);
	return error;
}

void gm_go_goroutines_deinit(struct gm_go_goroutines *goroutines)
{
	free(goroutines->items);
	*goroutines = (struct gm_go_goroutines){};
}

struct rereading {
	const struct gm_go_layout *layout;
	const struct gm_go_goroutines *goroutines;
	void (*moved)(void *context, size_t index);
	void *context;
};

static void got_again(void *context, uint32_t index, const void *record)
{
	struct rereading *rereading = context;
	const struct gm_go_goroutine_state *before = &rereading->goroutines->items[index];
	const struct copy copy = { rereading->layout, record };
	struct gm_go_goroutine_state now = *before;

	if (record)
		take(&copy, &now);
	if (!record || now.id != before->id || now.status != before->status ||
	    now.pc != before->pc || now.sp != before->sp || now.stack_low != before->stack_low)
		rereading->moved(rereading->context, index);
}

struct gm_error *gm_go_goroutines_reread(const struct gm_go_target *target,
					 const struct gm_go_goroutines *goroutines,
					 void (*moved)(void *context, size_t index), void *context)
{
	struct rereading rereading = { &target->image->layout, goroutines, moved, context };

	return gather(target, goroutines, got_again, &rereading);
}
