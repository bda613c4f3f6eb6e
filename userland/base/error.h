/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors as objects: NULL is success; rooms return them, only cmd_*.c prints them. */
#ifndef GM_BASE_ERROR_H
#define GM_BASE_ERROR_H

#include <stdlib.h>

/**
 * struct gm_error - why something could not be done
 * @code: an errno value, 0 where none fits
 * @message: one sentence: what was tried, on what, why it failed, what to do
 */
struct gm_error {
	int code;
	char *message;
};

#define GM_MUST_CHECK __attribute__((warn_unused_result))

/* A new error; never NULL (a static one when memory is out). */
struct gm_error *gm_error_create(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same with ": strerror(code)" appended. */
struct gm_error *gm_error_errno(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL-safe. */
void gm_error_destroy(struct gm_error *error);

/* Cleanup: gm_autofree char *s = ...; gm_auto(gm_error) struct gm_error *e = ...;
 * gm_auto(T) calls T_destroy(). Each type that wants it says GM_DEFINE_AUTO(T).
 */
static inline void gm_autofree_cleanup(void *pointer)
{
	free(*(void **)pointer);
}

#define gm_autofree __attribute__((cleanup(gm_autofree_cleanup)))
#define gm_auto(type) __attribute__((cleanup(type##_auto_cleanup)))
#define GM_DEFINE_AUTO(type)                                          \
	static inline void type##_auto_cleanup(struct type **pointer) \
	{                                                             \
		type##_destroy(*pointer);                             \
	}

GM_DEFINE_AUTO(gm_error)

#endif
