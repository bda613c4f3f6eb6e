// SPDX-License-Identifier: GPL-2.0
#include "proc.h"

#include <linux/mutex.h>
#include <linux/proc_fs.h>

#include "frag.h"
#include "gomem.h"
#include "pages.h"
#include "proc_files.h"
#include "stream.h"

/**
 * struct entry - a file
 * @name: in its directory
 * @mode: its mode; root's
 * @ops: what it does
 */
struct entry {
	const char *name;
	umode_t mode;
	const struct proc_ops *ops;
};

static const struct entry root_files[] = {
	{ .name = "version", .mode = 0400, .ops = &gomem_proc_version_ops },
	{ .name = "probes", .mode = 0400, .ops = &gomem_proc_probes_ops },
	{ .name = "targets", .mode = 0600, .ops = &gomem_proc_targets_ops },
	{ .name = "summary", .mode = 0400, .ops = &gomem_proc_summary_ops },
	{ .name = "vmas", .mode = 0400, .ops = &gomem_proc_vmas_ops },
	{ .name = "stacks", .mode = 0400, .ops = &gomem_proc_stacks_ops },
	{ .name = "huge", .mode = 0600, .ops = &gomem_proc_huge_ops },
	{ .name = "counts", .mode = 0400, .ops = &gomem_proc_counts_ops },
	{ .name = "frag", .mode = 0400, .ops = &gomem_proc_frag_ops },
	{ .name = "stats", .mode = 0400, .ops = &gomem_proc_stats_ops },
	{ .name = "events", .mode = 0600, .ops = &gomem_stream_ops },
};

/* Of a target, in the directory of its pid; pde_data() is the target. */
static const struct entry target_files[] = {
	{ .name = "pages", .mode = 0600, .ops = &gomem_pages_ops },
};

static DEFINE_MUTEX(root_mutex); /* guards root, and what is made below it */
static struct proc_dir_entry *root;

/* A directory with these files, or NULL. */
static struct proc_dir_entry *create(const char *name, struct proc_dir_entry *parent,
				     const struct entry *files, size_t count, void *data)
{
	struct proc_dir_entry *dir = proc_mkdir_mode(name, 0500, parent);
	const struct entry *file;

	if (!dir)
		return NULL;
	for (file = files; file < files + count; file++) {
		if (!proc_create_data(file->name, file->mode, dir, file->ops, data)) {
			proc_remove(dir);
			return NULL;
		}
	}
	return dir;
}

static int born(struct gomem_target *target)
{
	char name[16];
	int err = gomem_frag_attach(target);

	if (err)
		return err;
	snprintf(name, sizeof(name), "%d", pid_nr(target->pid));
	mutex_lock(&root_mutex);
	if (root)
		target->private =
			create(name, root, target_files, ARRAY_SIZE(target_files), target);
	mutex_unlock(&root_mutex);
	return target->private ? 0 : -ENOMEM;
}

/*
 * Without a root its directory went with it. The mutex is held until it is removed, or
 * gomem_proc_exit() could free it meanwhile; no reader that proc_remove() waits for
 * takes it.
 */
static void gone(struct gomem_target *target)
{
	mutex_lock(&root_mutex);
	if (root)
		proc_remove(target->private);
	mutex_unlock(&root_mutex);
}

const struct gomem_target_listener gomem_proc_listener = { .born = born, .gone = gone };

int gomem_proc_init(gomem_probe_fn probes)
{
	gomem_proc_probe_of = probes;
	root = create(GOMEM_PROC_DIR, NULL, root_files, ARRAY_SIZE(root_files), NULL);
	return root ? 0 : -ENOMEM;
}

void gomem_proc_exit(void)
{
	struct proc_dir_entry *dir;

	mutex_lock(&root_mutex);
	dir = root;
	root = NULL;
	mutex_unlock(&root_mutex);
	proc_remove(dir);
}
