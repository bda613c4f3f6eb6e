/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which Go built a program, from its build information. */
#ifndef GM_GO_VERSION_H
#define GM_GO_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct gm_go_version - "go1.26.10-X:nogreenteagc"
 * @text: the whole of it, printable
 * @minor: 26; 0 where @text names no release (a development build)
 * @experiments: what follows "X:", "" where nothing does; comma-separated
 */
struct gm_go_version {
	char text[64];
	unsigned int minor;
	char experiments[64];
};

/* From its text. False where that is none, or not printable. */
bool gm_go_version_set(const void *text, size_t size, struct gm_go_version *version);

/* From a program's build information, which a linker puts into .go.buildinfo: the form of
 * Go 1.18 and later (Go src/debug/buildinfo/buildinfo.go). False where it is not that.
 */
bool gm_go_version_parse(const void *buildinfo, size_t size, struct gm_go_version *version);

/* The form before: where the program has a Go string with its version. */
bool gm_go_version_pointer(const void *buildinfo, size_t size, uint64_t *address);

#define GM_GO_BUILDINFO_MAGIC "\xff Go buildinf:"
#define GM_GO_BUILDINFO_MAGIC_BYTES 14

/* Whether @name is in @version's list of experiments. */
bool gm_go_version_has(const struct gm_go_version *version, const char *name);

#endif
