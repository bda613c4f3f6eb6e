/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text side of os/maps.h, apart so that hostile text can be tested. */
#ifndef GM_OS_MAPS_PARSE_H
#define GM_OS_MAPS_PARSE_H

#include "os/maps.h"

/* A device whose files are memory: tmpfs (shmem) or hugetlbfs. */
struct gm_memory_device {
	dev_t device;
	enum gm_vma_kind kind;
};

struct gm_memory_devices {
	GM_VEC(struct gm_memory_device);
};

/* Appends the VMAs of @text, which is /proc/PID/maps and is cut up. EIO: not a map. */
struct gm_error *gm_maps_parse(char *text, const struct gm_memory_devices *devices,
			       struct gm_maps *maps) GM_MUST_CHECK;

#endif
