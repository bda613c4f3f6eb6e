// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/segments.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "elf/internal.h"

static bool possible(const GElf_Phdr *header)
{
	return header->p_type == PT_LOAD && header->p_memsz <= UINT64_MAX - header->p_vaddr &&
	       header->p_filesz <= header->p_memsz &&
	       header->p_filesz <= INT64_MAX - (header->p_offset & INT64_MAX) &&
	       header->p_offset <= INT64_MAX;
}

void gm_elf_note_segments(struct gm_elf *elf)
{
	GElf_Phdr header;
	size_t headers;

	if (elf_getphdrnum(elf->elf, &headers))
		return;
	for (size_t i = 0; i < headers && elf->segment_count < GM_ELF_SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(elf->elf, i, &header) || !possible(&header))
			continue;
		elf->segments[elf->segment_count++] = (struct gm_elf_segment){
			.address = header.p_vaddr,
			.bytes = header.p_memsz,
			.offset = header.p_offset,
			.file_bytes = header.p_filesz,
			.writable = header.p_flags & PF_W,
			.executable = header.p_flags & PF_X,
		};
	}
}

size_t gm_elf_segments(const struct gm_elf *elf, struct gm_elf_segment *segments, size_t max)
{
	size_t count = elf->segment_count < max ? elf->segment_count : max;

	memcpy(segments, elf->segments, count * sizeof(*segments));
	return count;
}

static struct gm_error *read_file(const struct gm_elf *elf, uint64_t offset, void *buffer,
				  size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = pread(elf->fd, (char *)buffer + done, size - done, offset + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return gm_error_errno(errno, "cannot read %s", elf->path);
		if (!got)
			return gm_error_create(EFAULT, "cannot read %s: it ends early", elf->path);
		done += got;
	}
	return NULL;
}

struct gm_error *gm_elf_read(const struct gm_elf *elf, uint64_t address, void *buffer, size_t size)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct gm_elf_segment *segment = &elf->segments[i];
		uint64_t at = address - segment->address;

		if (address >= segment->address && at <= segment->file_bytes &&
		    size <= segment->file_bytes - at)
			return read_file(elf, segment->offset + at, buffer, size);
	}
	return gm_error_create(EFAULT, "%s has no %zu bytes at %" PRIx64, elf->path, size, address);
}

struct gm_error *gm_elf_section_place(struct gm_elf *elf, const char *name, uint64_t *address,
				      uint64_t *size)
{
	Elf_Scn *section = NULL;
	struct gm_error *error;
	GElf_Shdr header;

	error = gm_elf_find_section(elf, name, &section);
	if (error)
		return error;
	if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC))
		return gm_error_create(ENOENT, "%s of %s is not loaded", name, elf->path);
	*address = header.sh_addr;
	*size = header.sh_size;
	return NULL;
}
