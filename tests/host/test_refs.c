// SPDX-License-Identifier: GPL-2.0-or-later
/* What gomemctl refs writes for dot of holders made up here. */
#include <unistd.h>

#include "cmd_refs.h"
#include "tap.h"

#define FILE_MAX 4096
#define NONE "\xef\xbf\xbd" /* U+FFFD */

/* The graph as dot gets it, of one object that @holder holds. */
static void write_graph(const char *holder, char text[FILE_MAX])
{
	struct gm_holders_row holders = { .holder = (char *)holder };
	struct gm_holders_type types = { .type = (char *)"[]uint8" };
	struct gm_holders_part parts = { .bytes = 1024, .objects = 1 };
	const struct gm_holders all = {
		.items = &holders,
		.count = 1,
		.types = { .items = &types, .count = 1 },
		.parts = { .items = &parts, .count = 1 },
	};
	char path[] = "/tmp/gomem-dot-XXXXXX";
	int fd = mkstemp(path);
	ssize_t size;

	if (fd < 0 || gm_refs_write_dot(&all, path))
		abort();
	size = read(fd, text, FILE_MAX - 1);
	text[size > 0 ? size : 0] = '\0';
	close(fd);
	unlink(path);
}

static void check_name(const char *holder, const char *expected, const char *what)
{
	char text[FILE_MAX], edge[128];

	write_graph(holder, text);
	snprintf(edge, sizeof(edge), "\t\"%s\" -> \"[]uint8 \" [label=\"1.00 KiB, 1\"];\n",
		 expected);
	if (!tap_ok(strstr(text, edge), what))
		printf("# expected %s# came %s", edge, text);
}

int main(void)
{
	check_name("main.cache", "main.cache", "a name");
	check_name("a\"b\\c\nd", "a'b'c'd", "what would end it goes");
	check_name("main.gr\xc3\xb6n", "main.gr\xc3\xb6n", "UTF-8 stays");
	check_name("a\xff\xc3(\xed\xa0\x80", "a" NONE NONE "(" NONE NONE NONE, "what is none goes");
	return tap_done();
}
