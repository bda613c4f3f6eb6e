// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups of stacks for eyes, and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd_stacks.h"
#include "out/bytes.h"
#include "out/json.h"

static void print_labels(FILE *stream, const struct gm_go_labels *labels)
{
	for (size_t i = 0; labels && i < labels->count; i++)
		fprintf(stream, "  %s=%s", labels->items[i].key, labels->items[i].value);
}

static void print_number_of(FILE *stream, const char *what, uint64_t count, uint64_t one)
{
	if (count == 1)
		fprintf(stream, "  %s %" PRIu64, what, one);
	else if (count)
		fprintf(stream, "  %" PRIu64 " %ss", count, what);
}

/* The thread tells something where there is no goroutine. */
static void print_who(FILE *stream, const struct gm_stacks_group *group, enum gm_stacks_by by)
{
	print_number_of(stream, "goroutine", group->goroutines, group->goid);
	if (!group->goroutines || by == GM_STACKS_THREAD)
		print_number_of(stream, "thread", group->threads, group->tid);
	print_labels(stream, group->labels);
	fputc('\n', stream);
}

static void print_frame(FILE *stream, const struct gm_stacks_frame *frame)
{
	const char *slash = frame->source ? strrchr(frame->source, '/') : NULL;

	if (frame->source)
		fprintf(stream, "      %s  %s:%d\n", frame->function,
			slash ? slash + 1 : frame->source, frame->line);
	else if (frame->function)
		fprintf(stream, "      %s\n", frame->function);
	else if (frame->file)
		fprintf(stream, "      %" PRIx64 " (%s)\n", frame->address, frame->file);
	else
		fprintf(stream, "      %" PRIx64 "\n", frame->address);
}

static void print_group(FILE *stream, const struct gm_stacks_view *view,
			const struct gm_stacks_group *group)
{
	char touched[GM_OUT_BYTES_MAX], mapped[GM_OUT_BYTES_MAX], released[GM_OUT_BYTES_MAX];
	struct gm_stacks_frame frames[GM_STACKS_FRAMES_MAX];
	size_t count = gm_stacks_names_frames(view->names, group->top, frames);

	fprintf(stream, "%7" PRIu64 " %9s %9" PRIu64 " %9s %9s", group->pid,
		gm_out_bytes(group->touched, touched), group->faults,
		gm_out_bytes(group->mapped, mapped), gm_out_bytes(group->released, released));
	print_who(stream, group, view->by);
	for (size_t i = 0; i < count; i++)
		print_frame(stream, &frames[i]);
}

static void print_notes(FILE *stream, const struct gm_stacks_view *view, size_t shown)
{
	if (view->groups->count > shown)
		fprintf(stream, "%zu more; -n %zu shows them\n", view->groups->count - shown,
			view->groups->count);
	if (view->by != GM_STACKS_STACK)
		fputs("of each, the stack that touched most\n", stream);
	if (view->remark)
		fprintf(stream, "module: %s\n", view->remark);
}

struct gm_error *gm_stacks_print_text(FILE *stream, const struct gm_stacks_view *view, size_t max)
{
	size_t count = view->groups->count < max ? view->groups->count : max;

	if (view->groups->count)
		fprintf(stream, "%7s %9s %9s %9s %9s  %s\n", "PID", "TOUCHED", "FAULTS", "MAPPED",
			"RELEASED", "WHO");
	for (size_t i = 0; i < count; i++)
		print_group(stream, view, &view->groups->items[i]);
	print_notes(stream, view, count);
	return ferror(stream) ? gm_error_create(EIO, "the output takes no more") : NULL;
}

static struct json_object *frame_object(const struct gm_stacks_frame *frame)
{
	struct json_object *object = json_object_new_object();
	char address[20];
	bool is_ok;

	snprintf(address, sizeof(address), "0x%" PRIx64, frame->address);
	is_ok = object && gm_out_json_add(object, "address", gm_out_json_string(address)) &&
		gm_out_json_add(object, "function", gm_out_json_string(frame->function)) &&
		gm_out_json_add(object, "file", gm_out_json_string(frame->file)) &&
		gm_out_json_add(object, "source", gm_out_json_string(frame->source)) &&
		gm_out_json_add(object, "line", json_object_new_int(frame->line)) &&
		gm_out_json_add(object, "inlined", json_object_new_boolean(frame->inlined));
	if (is_ok)
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *frames_array(const struct gm_stacks_view *view,
					const struct gm_stacks_group *group)
{
	struct gm_stacks_frame frames[GM_STACKS_FRAMES_MAX];
	size_t count = gm_stacks_names_frames(view->names, group->top, frames);
	struct json_object *array = json_object_new_array(), *frame;

	for (size_t i = 0; array && i < count; i++) {
		frame = frame_object(&frames[i]);
		if (!frame || json_object_array_add(array, frame)) {
			json_object_put(frame);
			json_object_put(array);
			return NULL;
		}
	}
	return array;
}

static struct json_object *labels_object(const struct gm_go_labels *labels)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; object && labels && i < labels->count; i++) {
		if (!gm_out_json_add_text(object, labels->items[i].key, labels->items[i].value)) {
			json_object_put(object);
			return NULL;
		}
	}
	return object;
}

static bool add_number(struct json_object *object, const char *key, uint64_t number)
{
	return gm_out_json_add(object, key, json_object_new_uint64(number));
}

static bool fill_group(struct json_object *object, const struct gm_stacks_view *view,
		       const struct gm_stacks_group *group)
{
	return add_number(object, "pid", group->pid) &&
	       add_number(object, "touched_bytes", group->touched) &&
	       add_number(object, "faults", group->faults) &&
	       add_number(object, "mapped_bytes", group->mapped) &&
	       add_number(object, "mmaps", group->mmaps) &&
	       add_number(object, "released_bytes", group->released) &&
	       add_number(object, "releases", group->releases) &&
	       add_number(object, "goroutines", group->goroutines) &&
	       add_number(object, "goid", group->goid) &&
	       add_number(object, "threads", group->threads) &&
	       add_number(object, "tid", group->tid) &&
	       gm_out_json_add(object, "labels", labels_object(group->labels)) &&
	       gm_out_json_add(object, "frames", frames_array(view, group));
}

static bool fill_document(struct json_object *document, const struct gm_stacks_view *view,
			  size_t count)
{
	struct json_object *array = json_object_new_array(), *object;

	if (!gm_out_json_add(document, "schema", gm_out_json_string("gomem.stacks/1")) ||
	    !add_number(document, "rate", view->rate) ||
	    !gm_out_json_add(document, "by", gm_out_json_string(gm_stacks_by_name(view->by))) ||
	    !gm_out_json_add(document, "stacks", array))
		return false;
	for (size_t i = 0; i < count; i++) {
		object = json_object_new_object();
		if (!object || json_object_array_add(array, object)) {
			json_object_put(object);
			return false;
		}
		if (!fill_group(object, view, &view->groups->items[i]))
			return false;
	}
	return true;
}

struct gm_error *gm_stacks_print_json(FILE *stream, const struct gm_stacks_view *view, size_t max)
{
	size_t count = view->groups->count < max ? view->groups->count : max;
	struct json_object *document = json_object_new_object();
	struct gm_error *error = NULL;
	const char *text = NULL;
	int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;

	if (document && fill_document(document, view, count))
		text = json_object_to_json_string_ext(document, style);
	if (!text)
		error = gm_error_create(ENOMEM, "out of memory");
	else if (fprintf(stream, "%s\n", text) < 0)
		error = gm_error_create(EIO, "the output takes no more");
	json_object_put(document);
	return error;
}
