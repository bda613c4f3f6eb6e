// SPDX-License-Identifier: GPL-2.0-or-later
#include "go/class.h"

static const char *const class_names[GM_GO_CLASSES] = {
	[GM_GO_LIVE] = "live",
	[GM_GO_DEAD] = "dead",
	[GM_GO_FREE_SLOT] = "free-slot",
	[GM_GO_TAIL] = "tail",
	[GM_GO_IDLE] = "idle",
	[GM_GO_RELEASED] = "released",
	[GM_GO_RESERVED] = "reserved",
	[GM_GO_STACK] = "stack",
	[GM_GO_STACK_FREE] = "stack-free",
	[GM_GO_GC_BITS] = "gc-bits",
	[GM_GO_HEAP_INDEX] = "heap-index",
	[GM_GO_PAGE_ALLOC] = "page-alloc",
	[GM_GO_MSPAN] = "mspan",
	[GM_GO_OTHER_SYS] = "other-sys",
	[GM_GO_BINARY] = "binary",
	[GM_GO_THREAD_STACK] = "thread-stack",
	[GM_GO_CGO_HEAP] = "cgo-heap",
	[GM_GO_ANON_OTHER] = "anon-other",
	[GM_GO_FILE] = "file",
	[GM_GO_SHMEM] = "shmem",
};

const char *gm_go_class_name(enum gm_go_class class_)
{
	return class_ < GM_GO_CLASSES ? class_names[class_] : "unknown";
}
