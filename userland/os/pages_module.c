// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <unistd.h>

#include "os/file.h"
#include "os/module.h"
#include "os/pages_source.h"

#define BATCH_RUNS 4096
#define ORDER_MAX 20 /* beyond every MAX_PAGE_ORDER there is */

static const char *run_fault(const struct gomem_page_run *run, uint64_t floor)
{
	uint64_t end;

	if (run->start % GM_PAGE_BYTES)
		return "its start is not a page's";
	if (!run->pages)
		return "it is empty";
	if (__builtin_add_overflow(run->start, (uint64_t)run->pages * GM_PAGE_BYTES, &end))
		return "it passes the end of the address space";
	if (run->start < floor)
		return "it overlaps the run before it, or is out of order";
	if (run->state == GOMEM_PAGE_ABSENT || run->state >= GOMEM_PAGE_STATES)
		return "its state is unknown";
	if (run->order > ORDER_MAX || run->reserved)
		return "its order or its reserved field is out of range";
	return NULL;
}

static struct gm_error *broken_run(const struct gomem_page_run *run, const char *fault)
{
	const char *format = "cannot use the module's page runs: the one at 0x%llx breaks the "
			     "contract, %s; reload a matching module";

	return gm_error_create(EIO, format, (unsigned long long)run->start, fault);
}

static struct gm_error *take_runs(struct gm_pages *pages, const struct gomem_page_run *runs,
				  size_t count, uint64_t *floor)
{
	struct gm_error *error = NULL;

	for (size_t i = 0; !error && i < count; i++) {
		const struct gomem_page_run *run = &runs[i];
		const char *fault = run_fault(run, *floor);

		if (fault)
			return broken_run(run, fault);
		error = gm_pages_append(pages, run->start, run->pages, run->state, run->order);
		*floor = run->start + (uint64_t)run->pages * GM_PAGE_BYTES;
	}
	return error;
}

struct gm_error *gm_pages_read_runs(int fd, struct gm_pages *pages)
{
	struct gomem_page_run runs[BATCH_RUNS];
	struct gm_error *error = NULL;
	uint64_t floor = 0;
	ssize_t got;

	while (!error && (got = read(fd, runs, sizeof(runs)))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return gm_error_errno(errno, "cannot read the module's page runs");
		if (got % sizeof(*runs))
			return gm_error_create(EIO, "cannot use the module's page runs: cut short");
		error = take_runs(pages, runs, got / sizeof(*runs), &floor);
	}
	return error;
}

/* "Try the next source." */
static struct gm_error *not_here(struct gm_error *error)
{
	if (gm_module_is_not_ours(error) || (error && error->code == ESRCH))
		error->code = ENOTSUP;
	return error;
}

struct gm_error *gm_pages_read_module(pid_t pid, struct gm_pages *pages)
{
	gm_auto(gm_module) struct gm_module *module = NULL;
	struct gm_error *error = gm_module_open(NULL, &module);
	int fd;

	if (!error)
		error = gm_module_open_pages(module, pid, &fd);
	if (error)
		return not_here(error);
	error = gm_pages_read_runs(fd, pages);
	close(fd);
	return error;
}
