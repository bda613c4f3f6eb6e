// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* asprintf */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char out_of_memory_message[] = "out of memory; free some and try again";
static struct gm_error out_of_memory = { .code = ENOMEM, .message = out_of_memory_message };

static struct gm_error *error_take(int code, char *message)
{
	struct gm_error *error = message ? malloc(sizeof(*error)) : NULL;

	if (!error) {
		free(message);
		return &out_of_memory;
	}
	error->code = code;
	error->message = message;
	return error;
}

static char *format_message(const char *format, va_list arguments)
{
	char *message;

	return vasprintf(&message, format, arguments) < 0 ? NULL : message;
}

struct gm_error *gm_error_create(int code, const char *format, ...)
{
	va_list arguments;
	char *message;

	va_start(arguments, format);
	message = format_message(format, arguments);
	va_end(arguments);
	return error_take(code, message);
}

struct gm_error *gm_error_errno(int code, const char *format, ...)
{
	gm_autofree char *what = NULL;
	va_list arguments;
	char *message;

	va_start(arguments, format);
	what = format_message(format, arguments);
	va_end(arguments);
	if (!what || asprintf(&message, "%s: %s", what, strerror(code)) < 0)
		message = NULL;
	return error_take(code, message);
}

void gm_error_destroy(struct gm_error *error)
{
	if (!error || error == &out_of_memory)
		return;
	free(error->message);
	free(error);
}
