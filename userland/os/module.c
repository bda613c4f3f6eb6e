// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* asprintf, strsep */
#include "os/module.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

#define TABLE_MAX_BYTES ((size_t)1 << 30)
#define COLUMNS_MAX 64

enum field_type { DEC, HEX, STR };

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
};

/* One file of /proc/gomem, and the struct its rows become. */
struct table {
	const char *file;
	const struct field *fields;
	size_t field_count;
	size_t row_bytes;
};

struct gm_module {
	char *directory;
};

/* The parser's position, for messages; @columns: the field of each column, NULL for
 * one that was appended after our time; @remark: the first below them.
 */
struct parse {
	const struct gm_module *module;
	const struct table *table;
	size_t line;
	const struct field *columns[COLUMNS_MAX];
	size_t column_count;
	const char *remark;
};

static struct gm_error *other_version(const struct gm_module *module, unsigned int version)
{
	const char *format = "cannot use %s: the module speaks version %u of the contract, this "
			     "gomemctl version %d; install a matching pair";

	return gm_error_create(EPROTO, format, module->directory, version, GOMEM_CONTRACT_VERSION);
}

static struct gm_error *broken(const struct parse *parse, const char *why)
{
	return gm_error_create(EIO,
			       "cannot read %s/%s: line %zu breaks the contract, %s; reload a "
			       "matching module",
			       parse->module->directory, parse->table->file, parse->line, why);
}

static char *next_token(char **rest)
{
	char *token;

	do
		token = strsep(rest, " \t");
	while (token && !*token);
	return token;
}

static bool parse_number(const char *text, int base, uint64_t *value)
{
	char *end;

	if (!strcmp(text, "-")) {
		*value = UINT64_MAX;
		return true;
	}
	if (!isxdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	return !errno && !*end && !strpbrk(text, "xX");
}

static bool octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Undoes \ooo in place; false where that is not what follows a backslash. */
static bool unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		if (from[1] < '0' || from[1] > '3' || !octal(from[2]) || !octal(from[3]))
			return false;
		*to = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
		if (!*to++)
			return false;
		from += 3;
	}
	*to = '\0';
	return true;
}

static bool store_field(const struct field *field, char *token, char *row)
{
	void *member = row + field->offset;

	if (field->type != STR)
		return parse_number(token, field->type == HEX ? 16 : 10, member);
	if (!unescape(token))
		return false;
	memcpy(member, &token, sizeof(token));
	return true;
}

static struct gm_error *parse_row(const struct parse *parse, char *line, char *row)
{
	for (size_t i = 0; i < parse->column_count; i++) {
		char *token = next_token(&line);

		if (!token)
			return broken(parse, "a field is missing");
		if (parse->columns[i] && !store_field(parse->columns[i], token, row))
			return broken(parse, "a field does not parse");
	}
	return next_token(&line) ? broken(parse, "there are more fields than columns") : NULL;
}

static const struct field *find_field(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->field_count; i++) {
		if (!strcmp(table->fields[i].name, name))
			return &table->fields[i];
	}
	return NULL;
}

/* "# gomem 2 vmas, sizes in kB" */
static struct gm_error *parse_version(struct parse *parse, char *line)
{
	unsigned int version;
	char file[16];

	if (!line || sscanf(line, "# gomem %u %15[a-z]", &version, file) < 1)
		return broken(parse, "it is not \"# gomem VERSION TABLE\"");
	if (version != GOMEM_CONTRACT_VERSION)
		return other_version(parse->module, version);
	return NULL;
}

/* "# pid start end ..."; columns we know must all be there, each once. */
static struct gm_error *parse_columns(struct parse *parse, char *line)
{
	size_t known = 0;
	char *token = next_token(&line);

	if (!token || strcmp(token, "#"))
		return broken(parse, "it is not the line of column names");
	while ((token = next_token(&line))) {
		const struct field *field = find_field(parse->table, token);

		for (size_t i = 0; field && i < parse->column_count; i++) {
			if (parse->columns[i] == field)
				return broken(parse, "a column stands there twice");
		}
		if (parse->column_count == COLUMNS_MAX)
			return broken(parse, "there are too many columns");
		parse->columns[parse->column_count++] = field;
		if (field)
			known++;
	}
	return known == parse->table->field_count ? NULL : broken(parse, "a column is missing");
}

static char *next_line(struct parse *parse, char **rest)
{
	parse->line++;
	return strsep(rest, "\n");
}

static struct gm_error *parse_rows(struct parse *parse, char *rest, void **items, size_t *count,
				   size_t *capacity)
{
	size_t row_bytes = parse->table->row_bytes;
	struct gm_error *error;
	char *line, *row;

	while ((line = next_line(parse, &rest))) {
		if (!parse->remark && !strncmp(line, "# ", 2))
			parse->remark = line + 2;
		if (!*line || *line == '#')
			continue;
		if (!gm_vec_reserve_raw(items, *count, capacity, 1, row_bytes))
			return gm_error_create(ENOMEM, "out of memory");
		row = (char *)*items + *count * row_bytes;
		memset(row, 0, row_bytes);
		error = parse_row(parse, line, row);
		if (error)
			return error;
		++*count;
	}
	return NULL;
}

static struct gm_error *module_error(const struct gm_module *module, struct gm_error *error)
{
	int code = error ? error->code : 0;

	if (code != ENOENT && code != EACCES && code != EPERM && code != EBUSY)
		return error;
	gm_error_destroy(error);
	if (code == ENOENT)
		return gm_error_create(ENOENT,
				       "cannot read %s: the module is not loaded; insmod "
				       "gomem.ko target_pid=PID",
				       module->directory);
	if (code == EBUSY)
		return gm_error_create(EBUSY,
				       "cannot read %s: a target maps memory faster than it can "
				       "be listed; try again",
				       module->directory);
	return gm_error_create(EACCES, "cannot read %s: not permitted; run as root%s",
			       module->directory, geteuid() ? "" : " of the host");
}

bool gm_module_is_not_ours(const struct gm_error *error)
{
	return error && (error->code == ENOENT || error->code == EACCES);
}

static struct gm_error *read_text(struct gm_module *module, const char *file, char **text)
{
	gm_autofree char *path = NULL;
	size_t size;

	if (asprintf(&path, "%s/%s", module->directory, file) < 0) {
		path = NULL;
		return gm_error_create(ENOMEM, "out of memory");
	}
	return module_error(module, gm_file_read(path, TABLE_MAX_BYTES, text, &size));
}

static struct gm_error *read_table(struct gm_module *module, const struct table *table,
				   void **items, size_t *count, size_t *capacity, char **text,
				   const char **remark)
{
	struct parse parse = { .module = module, .table = table };
	struct gm_error *error;
	char *rest;

	error = read_text(module, table->file, text);
	if (error)
		return error;
	rest = *text;
	error = parse_version(&parse, next_line(&parse, &rest));
	if (!error)
		error = parse_columns(&parse, next_line(&parse, &rest));
	if (!error)
		error = parse_rows(&parse, rest, items, count, capacity);
	if (error)
		*count = 0;
	*remark = parse.remark;
	return error;
}

/* Opening looks at its first line alone. */
static const struct table version_table = { .file = "version" };

struct gm_error *gm_module_open(const char *directory, struct gm_module **module)
{
	gm_auto(gm_module) struct gm_module *fresh = calloc(1, sizeof(*fresh));
	struct parse parse = { .table = &version_table, .module = fresh, .line = 1 };
	gm_autofree char *text = NULL;
	struct gm_error *error;

	if (fresh)
		fresh->directory = strdup(directory ? directory : GM_MODULE_DIRECTORY);
	if (!fresh || !fresh->directory)
		return gm_error_create(ENOMEM, "out of memory");
	error = read_text(fresh, version_table.file, &text);
	if (!error)
		error = parse_version(&parse, text);
	if (error)
		return error;
	*module = fresh;
	fresh = NULL;
	return NULL;
}

void gm_module_destroy(struct gm_module *module)
{
	if (!module)
		return;
	free(module->directory);
	free(module);
}

static struct gm_error *open_events(const char *path, int *fd)
{
	*fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*fd >= 0)
		return NULL;
	if (errno == EBUSY)
		return gm_error_create(EBUSY, "cannot open %s: %d read it already, and no more may",
				       path, GOMEM_EVENT_READERS_MAX);
	return gm_error_errno(errno, "cannot open %s", path);
}

static struct gm_error *ask_events(const char *path, int fd, const char *words)
{
	if (!*words || write(fd, words, strlen(words)) >= 0)
		return NULL;
	if (errno == ESRCH)
		return gm_error_create(ESRCH, "cannot ask %s for \"%s\": there is no such process",
				       path, words);
	return gm_error_errno(errno, "cannot ask %s for \"%s\"", path, words);
}

struct gm_error *gm_module_open_events(struct gm_module *module, const char *words, int *fd)
{
	gm_autofree char *path = NULL;
	struct gm_error *error;

	if (asprintf(&path, "%s/events", module->directory) < 0) {
		path = NULL;
		return gm_error_create(ENOMEM, "out of memory");
	}
	error = open_events(path, fd);
	if (error)
		return error;
	error = ask_events(path, *fd, words);
	if (!error)
		return NULL;
	close(*fd);
	*fd = -1;
	return error;
}

#define VMA_FIELD(name, type) { #name, type, offsetof(struct gm_module_vma, name) },
#define SUMMARY_FIELD(name, type) { #name, type, offsetof(struct gm_module_summary, name) },
#define TARGET_FIELD(name, type) { #name, type, offsetof(struct gm_module_target, name) },
#define STACK_FIELD(name, type) { #name, type, offsetof(struct gm_module_stack, name) },
#define PROBE_FIELD(name, type) { #name, type, offsetof(struct gm_module_probe, name) },
#define BLOCK_FIELD(name, type) { #name, type, offsetof(struct gm_module_block, name) },

static const struct field vma_fields[] = { GOMEM_VMAS_COLUMNS(VMA_FIELD) };
static const struct field summary_fields[] = { GOMEM_SUMMARY_COLUMNS(SUMMARY_FIELD) };
static const struct field target_fields[] = { GOMEM_TARGETS_COLUMNS(TARGET_FIELD) };
static const struct field stack_fields[] = { GOMEM_STACKS_COLUMNS(STACK_FIELD) };
static const struct field probe_fields[] = { GOMEM_PROBES_COLUMNS(PROBE_FIELD) };
static const struct field block_fields[] = { GOMEM_HUGE_COLUMNS(BLOCK_FIELD) };

#define DEFINE_TABLE(plural, row, file)                                                         \
	static const struct table plural##_table = {                                            \
		file,                                                                           \
		row##_fields,                                                                   \
		sizeof(row##_fields) / sizeof(*row##_fields),                                   \
		sizeof(struct gm_module_##row),                                                 \
	};                                                                                      \
	struct gm_error *gm_module_read_##plural(struct gm_module *module,                      \
						 struct gm_module_##plural *rows)               \
	{                                                                                       \
		return read_table(module, &plural##_table, (void **)&rows->items, &rows->count, \
				  &rows->capacity, &rows->text, &rows->remark);                 \
	}                                                                                       \
	void gm_module_##plural##_deinit(struct gm_module_##plural *rows)                       \
	{                                                                                       \
		free(rows->items);                                                              \
		free(rows->text);                                                               \
	}

DEFINE_TABLE(vmas, vma, "vmas")
DEFINE_TABLE(summaries, summary, "summary")
DEFINE_TABLE(targets, target, "targets")
DEFINE_TABLE(stacks, stack, "stacks")
DEFINE_TABLE(probes, probe, "probes")
DEFINE_TABLE(blocks, block, "huge")

/* Why the kernel refused a command, GOMEM_TARGETS_COLUMNS. */
static const struct {
	int code;
	const char *why;
} refusals[] = {
	{ ESRCH, "there is no such process, or it is exiting" },
	{ EEXIST, "it is watched already" },
	{ ENOENT, "it is not watched" },
	{ ENOSPC, "the module watches as many as it can; delete some" },
	{ EPERM,
	  "that takes CAP_SYS_ADMIN in the initial user namespace; run as root on the host" },
	{ EACCES, "that takes root" },
	{ EINVAL, "it is a kernel thread, or the module does not know the command" },
	{ EAGAIN, "the module is still loading; try again" },
};

static struct gm_error *refusal(const char *command, int code)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].code == code)
			return gm_error_create(code, "the module refused \"%s\": %s", command,
					       refusals[i].why);
	}
	return gm_error_errno(code, "the module refused \"%s\"", command);
}

static struct gm_error *write_command(const char *path, const char *command)
{
	gm_autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t size = strlen(command);
	ssize_t written;

	if (fd < 0)
		return gm_error_errno(errno, "cannot open %s", path);
	written = write(fd, command, size);
	if (written < 0)
		return refusal(command, errno);
	return (size_t)written == size ? NULL : refusal(command, EIO);
}

struct gm_error *gm_module_command(struct gm_module *module, const char *format, ...)
{
	gm_autofree char *path = NULL, *command = NULL;
	va_list arguments;

	if (asprintf(&path, "%s/targets", module->directory) < 0) {
		path = NULL;
		return gm_error_create(ENOMEM, "out of memory");
	}
	va_start(arguments, format);
	if (vasprintf(&command, format, arguments) < 0)
		command = NULL;
	va_end(arguments);
	return command ? write_command(path, command) : gm_error_create(ENOMEM, "out of memory");
}

bool gm_module_target_runs(const struct gm_module_target *target)
{
	return strcmp(target->state, "exited");
}

/* A pid that was used again means the process that has it now. */
static const struct gm_module_target *find_target(const struct gm_module_targets *targets,
						  pid_t pid)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (targets->items[i].pid == (uint64_t)pid &&
		    gm_module_target_runs(&targets->items[i]))
			return &targets->items[i];
	}
	return NULL;
}

static struct gm_error *open_pages(struct gm_module *module, uint64_t dir, int *fd)
{
	gm_autofree char *path = NULL;

	if (asprintf(&path, "%s/%llu/pages", module->directory, (unsigned long long)dir) < 0) {
		path = NULL;
		return gm_error_create(ENOMEM, "out of memory");
	}
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? gm_error_errno(errno, "cannot open %s", path) : NULL;
}

struct gm_error *gm_module_open_pages(struct gm_module *module, pid_t pid, int *fd)
{
	struct gm_module_targets targets = {};
	struct gm_error *error = gm_module_read_targets(module, &targets);
	const struct gm_module_target *target = find_target(&targets, pid);

	if (!error && target)
		error = open_pages(module, target->dir, fd);
	else if (!error)
		error = gm_error_create(ENOENT, "process %d is not a target of the module",
					(int)pid);
	gm_module_targets_deinit(&targets);
	return error;
}
