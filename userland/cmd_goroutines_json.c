// SPDX-License-Identifier: GPL-2.0-or-later
/* Goroutines as JSON: one after the other, as there may be a million. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd_goroutines.h"
#include "out/json.h"

static bool add_number(struct json_object *object, const char *key, uint64_t number)
{
	struct json_object *value = NULL;

	/* json-c's null is NULL, which gm_out_json_add() takes for memory that is out. */
	if (number == GM_OUT_NONE)
		return !json_object_object_add(object, key, NULL);
	value = json_object_new_uint64(number);
	return gm_out_json_add(object, key, value);
}

static bool add_text(struct json_object *object, const char *key, const char *text)
{
	return !json_object_object_add(object, key, gm_out_json_string(text));
}

static bool add_address(struct json_object *object, const char *key, uint64_t address)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	return add_text(object, key, text);
}

static bool add_to(struct json_object *array, struct json_object *object, bool is_whole)
{
	if (is_whole && object && !json_object_array_add(array, object))
		return true;
	json_object_put(object);
	return false;
}

static bool add_frame(struct json_object *array, const struct gm_go_frame *frame)
{
	struct json_object *object = json_object_new_object();

	return add_to(array, object,
		      object && add_text(object, "function", frame->function) &&
			      add_text(object, "file", frame->file) &&
			      add_number(object, "line", frame->line) &&
			      gm_out_json_add(object, "inlined",
					      json_object_new_boolean(frame->inlined)));
}

static bool add_frames(struct json_object *object, struct gm_goroutines_look *look,
		       const struct gm_goroutine *one)
{
	struct json_object *array = json_object_new_array();
	struct gm_go_frame frames[GM_GO_FRAMES_MAX];

	if (!gm_out_json_add(object, "frames", array))
		return false;
	for (size_t i = 0; i < one->count; i++) {
		size_t count = gm_goroutines_frames(look, one, i, frames);

		for (size_t j = 0; j < count; j++)
			if (!add_frame(array, &frames[j]))
				return false;
	}
	return true;
}

static bool add_creator(struct json_object *object, struct gm_goroutines_look *look,
			const struct gm_goroutine *one)
{
	struct json_object *array = json_object_new_array();
	struct gm_go_frame frame;

	if (!array)
		return false;
	if (gm_goroutines_creator(look, one, &frame) && !add_frame(array, &frame)) {
		json_object_put(array);
		return false;
	}
	/* One frame or none. */
	json_object_object_add(object, "created_by",
			       json_object_get(json_object_array_get_idx(array, 0)));
	json_object_put(array);
	return true;
}

static bool add_labels(struct json_object *object, const struct gm_go_labels *labels)
{
	struct json_object *map = json_object_new_object();

	if (!gm_out_json_add(object, "labels", map))
		return false;
	for (size_t i = 0; labels && i < labels->count; i++)
		if (!gm_out_json_add_text(map, labels->items[i].key, labels->items[i].value))
			return false;
	return true;
}

/* What of the stack is there, and why not all. */
static bool add_stack(struct json_object *object, struct gm_goroutines_look *look,
		      const struct gm_goroutine *one)
{
	static const char *const words[] = {
		[GM_GO_LACK_NONE] = "whole",  [GM_GO_LACK_RUNS] = "runs",
		[GM_GO_LACK_MOVED] = "moved", [GM_GO_LACK_LONG] = "long",
		[GM_GO_LACK_LOST] = "lost",   [GM_GO_LACK_UNREADABLE] = "unreadable",
	};
	const char *start = gm_subject_function(look->subject, one->state->start_pc);

	return add_text(object, "stack", words[one->lack]) && add_frames(object, look, one) &&
	       add_text(object, "began_with", start) && add_creator(object, look, one);
}

static bool fill_group(struct json_object *object, struct gm_goroutines_look *look,
		       const struct gm_goroutines_group *group, bool system)
{
	return add_number(object, "count", group->count) &&
	       add_number(object, "count_before", look->before ? group->before : GM_OUT_NONE) &&
	       gm_out_json_add(object, "system", json_object_new_boolean(system)) &&
	       add_text(object, "state", *group->state ? group->state : NULL) &&
	       add_number(object, "wait_about_ns", group->wait_ns) &&
	       add_number(object, "stack_bytes", group->stack_bytes) &&
	       add_number(object, "resident_bytes",
			  look->pages ? group->resident_bytes : GM_OUT_NONE) &&
	       add_number(object, "used_bytes", group->used_bytes) &&
	       add_text(object, "function", group->function) &&
	       add_text(object, "creator", group->creator) && add_labels(object, group->labels) &&
	       gm_out_json_add(object, "more_labels",
			       json_object_new_boolean(group->has_more_labels)) &&
	       add_number(object, "example_count", group->example_count) &&
	       add_number(object, "example_goid", group->example->state->id) &&
	       add_stack(object, look, group->example);
}

static bool fill_one(struct json_object *object, struct gm_goroutines_look *look,
		     const struct gm_goroutine *one)
{
	char state[GM_GOROUTINES_STATE_BYTES];

	return add_number(object, "goid", one->state->id) &&
	       add_number(object, "parent_goid", one->state->parent ?: GM_OUT_NONE) &&
	       gm_out_json_add(object, "system", json_object_new_boolean(one->system)) &&
	       add_text(object, "state", gm_goroutines_state(look, one, state)) &&
	       gm_out_json_add(object, "locked_to_thread",
			       json_object_new_boolean(one->state->locked_m)) &&
	       add_number(object, "wait_about_ns", one->wait_ns) &&
	       add_address(object, "g", one->state->at) &&
	       add_address(object, "stack_low", one->state->stack_low) &&
	       add_address(object, "stack_high", one->state->stack_high) &&
	       add_number(object, "stack_bytes", one->stack_bytes) &&
	       add_number(object, "resident_bytes", one->resident_bytes) &&
	       add_number(object, "used_bytes", one->used_bytes) &&
	       add_labels(object, one->labels) && add_stack(object, look, one);
}

/* Prints @object, which may be NULL, after @before, and frees it. */
static struct gm_error *print(FILE *stream, const char *before, struct json_object *object,
			      bool is_whole)
{
	int style = JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = NULL;
	struct gm_error *error = NULL;

	if (object && is_whole)
		text = json_object_to_json_string_ext(object, style);
	if (!text)
		error = gm_error_create(ENOMEM, "out of memory");
	else if (fprintf(stream, "%s%s", before, text) < 0)
		error = gm_error_create(EIO, "the output takes no more");
	json_object_put(object);
	return error;
}

/* @printed: how many were before, of other groups */
static struct gm_error *print_groups(FILE *stream, const struct gm_goroutines_view *view,
				     struct gm_goroutines_look *look, bool system, size_t *printed)
{
	struct gm_goroutines_groups groups = {};
	struct gm_error *error = gm_goroutines_group(look, view->by, system, &groups);
	size_t max = view->max ?: SIZE_MAX;

	for (size_t i = 0; i < groups.count && i < max && !error; i++) {
		struct json_object *object = json_object_new_object();
		bool is_whole = object && fill_group(object, look, &groups.items[i], system);

		error = print(stream, (*printed)++ ? ",\n" : "", object, is_whole);
	}
	free(groups.items);
	return error;
}

static struct gm_error *print_list(FILE *stream, const struct gm_goroutines_view *view,
				   struct gm_goroutines_look *look)
{
	size_t max = view->max ?: SIZE_MAX;
	struct gm_error *error = NULL;

	gm_goroutines_sort_by_id(look);
	for (size_t i = 0; i < look->count && i < max && !error; i++) {
		struct json_object *object = json_object_new_object();
		bool is_whole = object && fill_one(object, look, &look->items[i]);

		error = print(stream, i ? ",\n" : "", object, is_whole);
	}
	return error;
}

static bool fill_process(struct json_object *process, const struct gm_goroutines_look *look)
{
	uint64_t system = 0;

	for (size_t i = 0; i < look->count; i++)
		system += look->items[i].system;
	return add_number(process, "pid", look->subject->pid) &&
	       add_text(process, "version", look->subject->image.version.text) &&
	       add_number(process, "goroutines", look->count - system) &&
	       add_number(process, "system_goroutines", system) &&
	       add_number(process, "moved", look->population->moved) &&
	       add_number(process, "threads", look->threads) &&
	       add_number(process, "thread_stack_bytes", look->thread_bytes) &&
	       add_number(process, "thread_resident_bytes", look->thread_resident);
}

struct gm_error *gm_goroutines_print_json(FILE *stream, const struct gm_goroutines_view *view,
					  struct gm_goroutines_look *look)
{
	struct json_object *process = json_object_new_object();
	struct gm_error *error;
	size_t printed = 0;

	error = print(stream, "{\"process\": ", process, process && fill_process(process, look));
	if (!error)
		fprintf(stream, ",\n\"%s\": [\n", view->list ? "list" : "groups");
	if (!error && view->list)
		error = print_list(stream, view, look);
	if (!error && !view->list)
		error = print_groups(stream, view, look, false, &printed);
	if (!error && !view->list)
		error = print_groups(stream, view, look, true, &printed);
	fputs("]}", stream);
	return error;
}
