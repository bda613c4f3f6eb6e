// SPDX-License-Identifier: GPL-2.0
#include "words.h"

#include <linux/errno.h>
#include <linux/string.h>
#include <linux/uaccess.h>

int gomem_words_copy(char text[GOMEM_WORDS_MAX], const char __user *from, size_t count)
{
	if (count >= GOMEM_WORDS_MAX)
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';
	return strlen(text) == count ? 0 : -EINVAL;
}

bool gomem_words_next(char **rest, struct gomem_word *word)
{
	char *text;

	do {
		text = strsep(rest, " \t\n");
	} while (text && !*text);
	if (!text)
		return false;
	word->key = strsep(&text, "=");
	word->value = text;
	return true;
}

int gomem_words_flag(const char *value, bool *flag)
{
	if (!value || (value[0] != '0' && value[0] != '1') || value[1])
		return -EINVAL;
	*flag = value[0] == '1';
	return 0;
}
