// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE 1 /* memfd_create */
#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDS 4096

/* @work: a copy, whole but for @done; @places: headers, and each section. */
struct program {
	uint8_t *bytes;
	size_t size;
	char path[32];
	int work;
	struct fuzz_places places;
	struct fuzz_changes done;
};

static const char *const names[] = { "go1.24", "go1.27-stripped-pie", "go1.19", "c" };

#define PROGRAMS (sizeof(names) / sizeof(names[0]))

static struct program programs[PROGRAMS];

static void add_sections(struct program *program)
{
	Elf64_Ehdr header;
	Elf64_Shdr section;

	memcpy(&header, program->bytes, sizeof(header));
	for (size_t i = 0; i < header.e_shnum; i++) {
		uint64_t at = header.e_shoff + i * sizeof(section);

		if (at + sizeof(section) > program->size)
			return;
		memcpy(&section, program->bytes + at, sizeof(section));
		if (section.sh_type != SHT_NOBITS && section.sh_offset < program->size &&
		    section.sh_size <= program->size - section.sh_offset)
			fuzz_add_place(&program->places, section.sh_offset, section.sh_size);
	}
}

static void load(struct program *program, const char *name)
{
	int fd = open(fuzz_base_path(name), O_RDONLY);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		abort();
	program->size = stat.st_size;
	program->bytes = mmap(NULL, program->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	program->work = memfd_create("program", MFD_CLOEXEC);
	if (program->bytes == MAP_FAILED || program->work < 0 ||
	    write(program->work, program->bytes, program->size) != (ssize_t)program->size)
		abort();
	snprintf(program->path, sizeof(program->path), "/proc/self/fd/%d", program->work);
	fuzz_add_place(&program->places, 0, ENDS);
	fuzz_add_place(&program->places, program->size - ENDS, ENDS);
	add_sections(program);
}

static uint64_t read_word(void *context, uint64_t at)
{
	const struct program *program = context;
	uint64_t word = 0;

	if (at < program->size - sizeof(word))
		memcpy(&word, program->bytes + at, sizeof(word));
	return word;
}

static void put(const struct program *program, const struct fuzz_change *change, const void *bytes)
{
	if (change->at < program->size - change->size &&
	    pwrite(program->work, bytes, change->size, change->at) != (ssize_t)change->size)
		abort();
}

const char *fuzz_program(const uint8_t *data, size_t size)
{
	size_t which = size ? data[0] % PROGRAMS : 0;
	struct program *program = &programs[which];

	if (!program->bytes)
		load(program, names[which]);
	for (size_t i = 0; i < program->done.count; i++)
		put(program, &program->done.items[i], program->bytes + program->done.items[i].at);
	fuzz_read_changes(data + !!size, size - !!size, &program->places, read_word, program,
			  &program->done);
	for (size_t i = 0; i < program->done.count; i++)
		put(program, &program->done.items[i], &program->done.items[i].value);
	return program->path;
}
