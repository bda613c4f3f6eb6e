// SPDX-License-Identifier: GPL-2.0-or-later
/* What goroutines do, and where, in words. */
#include <ctype.h>
#include <string.h>

#include "cmd_goroutines.h"

static bool starts(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* Go src/runtime/traceback.go: isExportedRuntime(), "runtime.Gosched" and "runtime.(*Func).Name" */
static bool is_exported(const char *own)
{
	const char *method = strrchr(own, '.');
	const char *receiver = starts(own, "(*") ? own + 2 : own;

	if (method && !isupper((unsigned char)*receiver))
		return false;
	return isupper((unsigned char)*(method ? method + 1 : own));
}

bool gm_goroutines_hidden(const char *function)
{
	static const char *const shown[] = { "runtime.runfinq", "runtime.runFinalizers",
					     "runtime.runCleanups", "runtime.gopanic" };

	if (!strchr(function, '.'))
		return true;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (!strcmp(function, shown[i]))
			return false;
	return starts(function, "runtime.") && !is_exported(function + 8);
}

/* What programs wait in, and do not look for there. */
static bool is_plumbing(const char *function)
{
	static const char *const packages[] = { "internal/", "runtime.", "runtime/",
						"sync.",     "syscall.", "time." };

	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (starts(function, packages[i]))
			return true;
	return gm_goroutines_hidden(function);
}

size_t gm_goroutines_frames(struct gm_goroutines_look *look, const struct gm_goroutine *one,
			    size_t index, struct gm_go_frame frames[GM_GO_FRAMES_MAX])
{
	return gm_subject_frames(look->subject, look->population->pcs.items[one->frames + index],
				 frames, GM_GO_FRAMES_MAX);
}

const char *gm_goroutines_where(struct gm_goroutines_look *look, const struct gm_goroutine *one)
{
	struct gm_go_frame frames[GM_GO_FRAMES_MAX];

	for (size_t i = 0; i < one->count; i++) {
		size_t count = gm_goroutines_frames(look, one, i, frames);

		for (size_t j = 0; j < count; j++)
			if (!is_plumbing(frames[j].function))
				return frames[j].function;
	}
	return gm_subject_function(look->subject, one->state->start_pc);
}

/* A return address, of the function in the source: where it was inlined does not matter. The
 * first goroutine is the runtime's making, by a go statement that means nothing.
 */
bool gm_goroutines_creator(struct gm_goroutines_look *look, const struct gm_goroutine *one,
			   struct gm_go_frame *frame)
{
	const uint64_t pc = one->state->go_pc;
	struct gm_go_frame frames[GM_GO_FRAMES_MAX];

	if (!pc || one->state->id == 1 ||
	    !gm_subject_frames(look->subject, pc - 1, frames, GM_GO_FRAMES_MAX))
		return false;
	*frame = frames[0];
	return true;
}

static void waiting_state(const struct gm_goroutines_look *look,
			  const struct gm_go_goroutine_state *state,
			  char text[GM_GOROUTINES_STATE_BYTES])
{
	const char *reason = gm_go_wait_reason(&look->population->reasons, state->wait_reason);
	const char *status = gm_go_status_name(state->status);

	if (reason && !*reason)
		snprintf(text, GM_GOROUTINES_STATE_BYTES, "%s", status);
	else if (reason)
		snprintf(text, GM_GOROUTINES_STATE_BYTES, "%s%s", reason,
			 state->status == GM_GO_LEAKED ? " (leaked)" : "");
	else
		snprintf(text, GM_GOROUTINES_STATE_BYTES, "unknown (%u)", state->wait_reason);
}

char *gm_goroutines_state(const struct gm_goroutines_look *look, const struct gm_goroutine *one,
			  char text[GM_GOROUTINES_STATE_BYTES])
{
	const struct gm_go_goroutine_state *state = one->state;
	const char *status = gm_go_status_name(state->status);

	if (state->status == GM_GO_WAITING || state->status == GM_GO_LEAKED)
		waiting_state(look, state, text);
	else if (status)
		snprintf(text, GM_GOROUTINES_STATE_BYTES, "%s", status);
	else
		snprintf(text, GM_GOROUTINES_STATE_BYTES, "unknown state %u", state->status);
	return text;
}
