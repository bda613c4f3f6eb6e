// SPDX-License-Identifier: GPL-2.0
#include "go.h"

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "words.h"

#define WORD(name)                                     \
	{                                              \
#name, offsetof(struct gomem_go, name) \
	}

static const struct {
	const char *key;
	size_t at;
} offsets[] = {
	WORD(m), WORD(curg), WORD(goid), WORD(labels), WORD(stack), WORD(sched_pc), WORD(sched_bp),
};

#define PLACE ARRAY_SIZE(offsets) /* the bit of tls= or reg= */

static int parse_offset(const char *value, u16 *offset)
{
	unsigned int number;

	if (kstrtouint(value, 10, &number) || number % 8 || number > GOMEM_GO_OFFSET_MAX)
		return -EINVAL;
	*offset = number;
	return 0;
}

static int parse_tls(const char *value, s32 *tls)
{
	if (kstrtoint(value, 10, tls) || *tls % 8 || *tls < -GOMEM_GO_TLS_MAX ||
	    *tls > GOMEM_GO_TLS_MAX)
		return -EINVAL;
	return 0;
}

/* Return: the bit of the word in what was said, or -EINVAL. */
static int parse_word(const struct gomem_word *word, struct gomem_go *go)
{
	unsigned int i;

	if (!word->value)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		if (!strcmp(word->key, offsets[i].key))
			return parse_offset(word->value, (u16 *)((char *)go + offsets[i].at)) ?: i;
	}
	if (!strcmp(word->key, "tls"))
		return parse_tls(word->value, &go->tls) ?: PLACE;
	go->in_r14 = !strcmp(word->key, "reg") && !strcmp(word->value, "r14");
	return go->in_r14 ? PLACE : -EINVAL;
}

int gomem_go_parse(char **words, struct gomem_go *go)
{
	struct gomem_word word;
	unsigned long said = 0;

	memset(go, 0, sizeof(*go));
	while (gomem_words_next(words, &word)) {
		int bit = parse_word(&word, go);

		if (bit < 0 || said & BIT(bit))
			return -EINVAL;
		said |= BIT(bit);
	}
	return said == GENMASK(PLACE, 0) ? 0 : -EINVAL;
}
