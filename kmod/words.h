/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is written to a file of /proc/gomem: blank separated words, "key=value" or "verb".
 *
 *	char text[GOMEM_WORDS_MAX], *rest = text;
 *	struct gomem_word word;
 *	int err = gomem_words_copy(text, from, count);
 *
 *	while (!err && gomem_words_next(&rest, &word))
 *		err = set(word.key, word.value);
 */
#ifndef GOMEM_WORDS_H
#define GOMEM_WORDS_H

#include <linux/types.h>

/** GOMEM_WORDS_MAX - what one write() may hold, and a NUL */
#define GOMEM_WORDS_MAX 512

/**
 * struct gomem_word - one word
 * @key: what is before the first '=', or the whole word
 * @value: what is after it, maybe empty; NULL without a '='
 */
struct gomem_word {
	const char *key;
	const char *value;
};

/**
 * gomem_words_copy() - the text of a write()
 * @text: gets it, with a NUL at the end
 * @from: the buffer of write()
 * @count: its bytes
 *
 * May sleep. Return: 0, -EINVAL when it is too long or has a NUL inside, -EFAULT.
 */
int gomem_words_copy(char text[GOMEM_WORDS_MAX], const char __user *from, size_t count);

/**
 * gomem_words_next() - the next word
 * @rest: where to go on in the text, which is cut up in place
 * @word: gets the word; points into the text
 *
 * Return: false when there is none.
 */
bool gomem_words_next(char **rest, struct gomem_word *word);

/** gomem_words_flag() - "0" or "1" to @flag, else -EINVAL; @value may be NULL */
int gomem_words_flag(const char *value, bool *flag);

#endif /* GOMEM_WORDS_H */
