// SPDX-License-Identifier: GPL-2.0-or-later
/* A C program that runs a Go library:
 *
 *	host LIBRARY [ARGUMENT]
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	void (*run)(void) = library ? (void (*)(void))dlsym(library, "gomem_run") : NULL;

	if (!run) {
		fprintf(stderr, "host: %s\n", dlerror());
		return 1;
	}
	free(malloc(1 << 16));
	run();
	return 0;
}
