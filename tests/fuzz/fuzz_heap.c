// SPDX-License-Identifier: GPL-2.0-or-later
/* The heap of a Go process that lies: spans that point anywhere, lists without end. */
#include "go/heap.h"
#include "go/locate.h"
#include "join/bill.h"
#include "process.h"

static void look(const struct fuzz_process *process, const struct gm_go_heap *heap)
{
	struct gm_go_location location;
	struct gm_bill *bill = NULL;

	fuzz_accept(gm_bill_compute(process->maps, process->pages, heap, 0, &bill));
	gm_bill_destroy(bill);
	for (size_t i = 0; i < heap->spans.count; i++)
		gm_go_locate(heap, heap->spans.items[i].start + 100, &location);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_process *process = fuzz_process(data, size);
	struct gm_go_heap *heap = NULL;

	fuzz_accept(gm_go_heap_read(&process->target, &heap));
	if (heap)
		look(process, heap);
	gm_go_heap_destroy(heap);
	return 0;
}
