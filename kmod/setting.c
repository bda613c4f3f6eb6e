// SPDX-License-Identifier: GPL-2.0
#include "setting.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/magic.h>
#include <linux/string.h>

#define DIRECTORY "/sys/kernel/mm/transparent_hugepage/"
#define TEXT_MAX 256

static const char *chosen(char *text)
{
	char *word = strchr(text, '[');
	char *end = word ? strchr(word, ']') : NULL;

	if (!end)
		return strim(text);
	*end = '\0';
	return word + 1;
}

/* Whoever looks has a mount namespace of its own, where anything may lie at that path. */
static ssize_t read_sysfs(struct file *file, char *text, size_t size)
{
	loff_t pos = 0;

	if (file_inode(file)->i_sb->s_magic != SYSFS_MAGIC)
		return -ENOENT;
	return kernel_read(file, text, size, &pos);
}

int gomem_setting_read(const char *name, char value[GOMEM_SETTING_MAX])
{
	char path[sizeof(DIRECTORY) + GOMEM_SETTING_MAX], text[TEXT_MAX];
	struct file *file;
	ssize_t bytes;

	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	file = filp_open(path, O_RDONLY | O_NONBLOCK, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	bytes = read_sysfs(file, text, sizeof(text) - 1);
	filp_close(file, NULL);
	if (bytes < 0)
		return bytes;
	text[bytes] = '\0';
	strscpy(value, chosen(text), GOMEM_SETTING_MAX);
	return 0;
}
