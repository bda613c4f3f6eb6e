// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of /proc/gomem: the input's first byte says which it is. */
#define _GNU_SOURCE 1 /* mkdtemp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "os/module.h"

static char directory[] = "/dev/shm/gomem-fuzz-XXXXXX";

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
		abort();
}

static void remove_all(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		abort();
}

static struct gm_module *open_module(void)
{
	static const char version[] =
		"# gomem 2 version\n# module contract kernel\n0.1.0 2 6.1.0\n";
	static struct gm_module *module;

	if (module)
		return module;
	if (!mkdtemp(directory) || atexit(remove_all))
		abort();
	write_file("version", version, strlen(version));
	if (gm_module_open(directory, &module))
		abort();
	return module;
}

#define READ(module, file, name, data, size)                       \
	do {                                                       \
		struct gm_module_##name rows = {};                 \
		write_file(file, data, size);                      \
		fuzz_accept(gm_module_read_##name(module, &rows)); \
		gm_module_##name##_deinit(&rows);                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gm_module *module = open_module();

	switch (size ? data[0] % 6 : 6) {
	case 0:
		READ(module, "vmas", vmas, data + 1, size - 1);
		break;
	case 1:
		READ(module, "summary", summaries, data + 1, size - 1);
		break;
	case 2:
		READ(module, "targets", targets, data + 1, size - 1);
		break;
	case 3:
		READ(module, "stacks", stacks, data + 1, size - 1);
		break;
	case 4:
		READ(module, "probes", probes, data + 1, size - 1);
		break;
	case 5:
		READ(module, "huge", blocks, data + 1, size - 1);
		break;
	}
	return 0;
}
