/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an address in a Go program can be, in the words of the bill. */
#ifndef GM_GO_CLASS_H
#define GM_GO_CLASS_H

#define GM_GO_PAGE_BYTES 8192ULL
#define GM_GO_SIZE_CLASSES 68

/* The Go class of an address, DESIGN's words. The first group lies inside the Go heap. */
enum gm_go_class {
	GM_GO_LIVE, /* object marked in the last GC, or allocated since */
	GM_GO_DEAD, /* object not marked, its span not swept yet */
	GM_GO_FREE_SLOT, /* unused slot of a span in use */
	GM_GO_TAIL, /* span tail and inline mark bits */
	GM_GO_IDLE, /* free pages, not released */
	GM_GO_RELEASED, /* free pages, scavenged */
	GM_GO_RESERVED, /* heap arena address space the heap has not grown into */
	GM_GO_STACK,
	GM_GO_STACK_FREE,
	GM_GO_GC_BITS,
	GM_GO_HEAP_INDEX,
	GM_GO_PAGE_ALLOC,
	GM_GO_MSPAN,
	GM_GO_OTHER_SYS,
	/* outside the Go heap */
	GM_GO_BINARY,
	GM_GO_THREAD_STACK,
	GM_GO_CGO_HEAP,
	GM_GO_ANON_OTHER,
	GM_GO_FILE,
	GM_GO_SHMEM,
	GM_GO_CLASSES,
};

const char *gm_go_class_name(enum gm_go_class class_);

#endif
