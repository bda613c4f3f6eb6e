// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks that the kernel would silence: kernel.ftrace_enabled. */
#include <errno.h>

#include "lib.h"

#define ENABLED "/proc/sys/kernel/ftrace_enabled"

static void enable(int on)
{
	if (file_write(ENABLED, "%d", on))
		die("writing %d to " ENABLED " failed", on);
}

int main(void)
{
	enable(0);
	tap_eq(-EBUSY, "contract", module_load(""), "finit_module", "load while ftrace is off");
	enable(1);
	module_require();
	tap_eq(-EBUSY, "contract", file_write(ENABLED, "0"), ENABLED,
	       "off while hooks are planted");
	tap_eq(1, "as it was", file_number(ENABLED), ENABLED, "refused, it stays on");
	tap_eq(0, "asked", module_unload(), "delete_module", "unload");
	tap_eq(0, "as without the module", file_write(ENABLED, "0"), ENABLED, "off after that");
	enable(1);
	return tap_done();
}
