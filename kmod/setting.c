// SPDX-License-Identifier: GPL-2.0
#include "setting.h"

#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#define DIRECTORY "mm/transparent_hugepage"

static const char *chosen(char *text)
{
	char *word = strchr(text, '[');
	char *end = word ? strchr(word, ']') : NULL;

	if (!end)
		return strim(text);
	*end = '\0';
	return word + 1;
}

/* What is at @path below /sys/kernel, with a reference, or NULL. */
static struct kernfs_node *find(char *path)
{
	struct kernfs_node *node = kernel_kobj->sd, *parent;
	const char *name;

	kernfs_get(node);
	while (node && (name = strsep(&path, "/"))) {
		parent = node;
		node = kernfs_find_and_get(parent, name);
		kernfs_put(parent);
	}
	return node;
}

/*
 * As sysfs does it for who reads the file. These attributes, and the object they are of, are
 * there since boot and for good.
 */
static ssize_t show(struct kernfs_node *directory, struct kernfs_node *file, char *page)
{
	struct kobject *kobj = directory->priv;

	return kobj->ktype->sysfs_ops->show(kobj, file->priv, page);
}

static int read_page(struct kernfs_node *directory, struct kernfs_node *file,
		     char value[GOMEM_SETTING_MAX])
{
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	ssize_t bytes;

	if (!page)
		return -ENOMEM;
	bytes = show(directory, file, page);
	if (bytes >= 0)
		strscpy(value, chosen(page), GOMEM_SETTING_MAX);
	free_page((unsigned long)page);
	return bytes < 0 ? bytes : 0;
}

int gomem_setting_read(const char *name, char value[GOMEM_SETTING_MAX])
{
	char path[sizeof(DIRECTORY) + GOMEM_SETTING_MAX], *last;
	struct kernfs_node *directory, *file;
	int err = -ENOENT;

	snprintf(path, sizeof(path), DIRECTORY "/%s", name);
	last = strrchr(path, '/');
	*last++ = '\0';
	directory = find(path);
	file = directory ? kernfs_find_and_get(directory, last) : NULL;
	if (file)
		err = read_page(directory, file, value);
	kernfs_put(file);
	kernfs_put(directory);
	return err;
}
