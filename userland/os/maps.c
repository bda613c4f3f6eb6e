// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
#include "os/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "os/file.h"
#include "os/maps_parse.h"

/* vm.max_map_count can be raised to 2^31; 1 GiB of text is seven million VMAs. */
#define MAPS_MAX_BYTES ((size_t)1 << 30)
#define MOUNTS_MAX_BYTES ((size_t)64 << 20)

/* memory backs these devices: the kernel's internal mounts are in no mountinfo,
 * but a memfd of our own lies on the same one.
 */
static dev_t memfd_device(unsigned int flags)
{
	gm_autoclose int fd = memfd_create("gomem", flags);
	struct stat stat;

	return fd < 0 || fstat(fd, &stat) ? 0 : stat.st_dev;
}

static bool add_device(struct gm_memory_devices *devices, dev_t device, enum gm_vma_kind kind)
{
	struct gm_memory_device *added = gm_vec_push(devices);

	if (added)
		*added = (struct gm_memory_device){ device, kind };
	return added;
}

/* "36 35 98:0 /root /mount options [fields] - type source options", proc(5). */
static bool add_mount(struct gm_memory_devices *devices, const char *line)
{
	const char *type = strstr(line, " - ");
	unsigned int major_, minor_;

	if (!type || sscanf(line, "%*u %*u %u:%u", &major_, &minor_) != 2)
		return true;
	type += strlen(" - ");
	if (!strncmp(type, "tmpfs ", 6) || !strncmp(type, "devtmpfs ", 9))
		return add_device(devices, makedev(major_, minor_), GM_VMA_SHMEM);
	if (!strncmp(type, "hugetlbfs ", 10))
		return add_device(devices, makedev(major_, minor_), GM_VMA_HUGETLB);
	return true;
}

static struct gm_error *read_devices(pid_t pid, struct gm_memory_devices *devices)
{
	gm_autofree char *mounts = NULL;
	struct gm_error *error;
	char *rest, *line;
	size_t size;
	bool ok;

	error = gm_proc_read(pid, "mountinfo", MOUNTS_MAX_BYTES, &mounts, &size);
	if (error)
		return error;
	ok = add_device(devices, memfd_device(MFD_CLOEXEC), GM_VMA_SHMEM) &&
	     add_device(devices, memfd_device(MFD_CLOEXEC | MFD_HUGETLB), GM_VMA_HUGETLB);
	for (rest = mounts; ok && (line = strsep(&rest, "\n"));)
		ok = add_mount(devices, line);
	return ok ? NULL : gm_error_create(ENOMEM, "out of memory");
}

static const struct {
	const char *prefix;
	enum gm_vma_kind kind;
} special_names[] = {
	{ "[heap]", GM_VMA_HEAP },	  { "[stack]", GM_VMA_STACK },	{ "[anon:", GM_VMA_ANON },
	{ "[anon_shmem:", GM_VMA_SHMEM }, { "[vdso]", GM_VMA_VDSO },	{ "[vvar", GM_VMA_VDSO },
	{ "[vsyscall]", GM_VMA_VDSO },	  { "[uprobes]", GM_VMA_VDSO },
};

static enum gm_vma_kind kind_of(const struct gm_vma *vma, dev_t device,
				const struct gm_memory_devices *devices)
{
	for (size_t i = 0; i < sizeof(special_names) / sizeof(*special_names); i++) {
		if (!strncmp(vma->name, special_names[i].prefix, strlen(special_names[i].prefix)))
			return special_names[i].kind;
	}
	if (!vma->inode && !device)
		return GM_VMA_ANON;
	/* mmap() of /dev/zero, private, gives plain anonymous memory. */
	if (!strcmp(vma->name, "/dev/zero") && vma->perms[3] == 'p')
		return GM_VMA_ANON;
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->items[i].device && devices->items[i].device == device)
			return devices->items[i].kind;
	}
	return GM_VMA_FILE;
}

/* "start-end perms offset major:minor inode   name", fs/proc/task_mmu.c show_map_vma().
 * The name is the rest of the line, blanks and all.
 */
static bool parse_line(struct gm_vma *vma, const char *line, const char **name, dev_t *device)
{
	unsigned int major_, minor_;
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &vma->start, &vma->end, vma->perms, &vma->offset, &major_, &minor_, &vma->inode,
		   &at) != 7 ||
	    !at)
		return false;
	*device = makedev(major_, minor_);
	*name = line + at;
	return strlen(vma->perms) == 4 && vma->start < vma->end;
}

static struct gm_error *add_vma(struct gm_maps *maps, const char *line,
				const struct gm_memory_devices *devices)
{
	uint64_t floor = maps->count ? maps->items[maps->count - 1].end : 0;
	struct gm_vma vma = {}, *added;
	const char *name;
	dev_t device;

	if (!parse_line(&vma, line, &name, &device))
		return gm_error_create(EIO, "cannot read a memory map: no line of one is \"%.80s\"",
				       line);
	/* The map may change between the kernel's pages of text: what was said first holds. */
	if (vma.end <= floor)
		return NULL;
	if (vma.start < floor)
		vma.start = floor;
	vma.name = strdup(name);
	added = vma.name ? gm_vec_push(maps) : NULL;
	if (!added) {
		free(vma.name);
		return gm_error_create(ENOMEM, "out of memory");
	}
	vma.kind = kind_of(&vma, device, devices);
	*added = vma;
	return NULL;
}

struct gm_error *gm_maps_parse(char *text, const struct gm_memory_devices *devices,
			       struct gm_maps *maps)
{
	char *rest, *line;

	for (rest = text; (line = strsep(&rest, "\n"));) {
		struct gm_error *error = *line ? add_vma(maps, line, devices) : NULL;

		if (error)
			return error;
	}
	return NULL;
}

static struct gm_error *read_maps(pid_t pid, struct gm_memory_devices *devices,
				  struct gm_maps *maps)
{
	gm_autofree char *text = NULL;
	struct gm_error *error;
	size_t size;

	error = gm_proc_read(pid, "maps", MAPS_MAX_BYTES, &text, &size);
	if (!error)
		error = read_devices(pid, devices);
	if (!error)
		error = gm_maps_parse(text, devices, maps);
	if (!error && !maps->count)
		error = gm_error_create(ESRCH,
					"process %d has no memory: it is a kernel thread or "
					"has just exited",
					(int)pid);
	return error;
}

struct gm_error *gm_maps_read(pid_t pid, struct gm_maps **maps)
{
	gm_auto(gm_maps) struct gm_maps *fresh = calloc(1, sizeof(*fresh));
	struct gm_memory_devices devices = {};
	struct gm_error *error;

	if (!fresh)
		return gm_error_create(ENOMEM, "out of memory");
	error = read_maps(pid, &devices, fresh);
	free(devices.items);
	if (error)
		return error;
	*maps = fresh;
	fresh = NULL;
	return NULL;
}

void gm_maps_destroy(struct gm_maps *maps)
{
	if (!maps)
		return;
	for (size_t i = 0; i < maps->count; i++)
		free(maps->items[i].name);
	free(maps->items);
	free(maps);
}

const struct gm_vma *gm_maps_find(const struct gm_maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < maps->count && maps->items[low].start <= address ? &maps->items[low] : NULL;
}

const char *gm_vma_kind_name(enum gm_vma_kind kind)
{
	static const char *const names[GM_VMA_KINDS] = {
		[GM_VMA_ANON] = "anon", [GM_VMA_HEAP] = "heap",	  [GM_VMA_STACK] = "stack",
		[GM_VMA_FILE] = "file", [GM_VMA_SHMEM] = "shmem", [GM_VMA_HUGETLB] = "hugetlb",
		[GM_VMA_VDSO] = "vdso",
	};

	return kind < GM_VMA_KINDS ? names[kind] : "-";
}
