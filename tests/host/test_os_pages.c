// SPDX-License-Identifier: GPL-2.0-or-later
/* os: the maps and pages of a child whose memory is made scene by scene, stopped, and
 * compared with what its own smaps says. Scenes lie at fixed addresses, a GiB apart.
 */
#define _GNU_SOURCE 1 /* memfd_create, mmap flags */
#include <errno.h>
#include <signal.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "os/host.h"
#include "os/maps.h"
#include "os/pages.h"
#include "os/pages_source.h"
#include "tap.h"

#define BASE 0x200000000000UL
#define APART (1UL << 30)
#define PAGE 4096UL
#define HUGE (2UL << 20)

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

static char *map(char *at, size_t bytes, int flags, int fd)
{
	return mmap(at, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, fd, 0);
}

static char *map_anon(char *at, size_t bytes)
{
	return map(at, bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void write_pages(volatile char *at, size_t count, size_t step)
{
	for (size_t i = 0; i < count; i++)
		at[i * step * PAGE] = 1;
}

static void read_pages(const volatile char *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)at[i * PAGE];
}

static void scene_anon(char *at)
{
	map_anon(at, 1000 * PAGE);
	madvise(at, 1000 * PAGE, MADV_NOHUGEPAGE);
	write_pages(at, 100, 2);
	write_pages(at + 500 * PAGE, 100, 1);
}

static void scene_thp(char *at)
{
	map_anon(at, 4 * HUGE);
	madvise(at, 4 * HUGE, MADV_HUGEPAGE);
	write_pages(at, 3, HUGE / PAGE);
}

static void scene_thp_hole(char *at)
{
	map_anon(at, 2 * HUGE);
	madvise(at, 2 * HUGE, MADV_HUGEPAGE);
	write_pages(at, 2, HUGE / PAGE);
	madvise(at + 7 * PAGE, PAGE, MADV_DONTNEED);
}

static void scene_zero(char *at)
{
	map_anon(at, 100 * PAGE);
	madvise(at, 100 * PAGE, MADV_NOHUGEPAGE);
	read_pages(at, 50);
	write_pages(at, 10, 1);
}

static void scene_huge_zero(char *at)
{
	map_anon(at, 4 * HUGE);
	madvise(at, 4 * HUGE, MADV_HUGEPAGE);
	read_pages(at, 1);
	read_pages(at + HUGE, 1);
	write_pages(at + 2 * HUGE, 1, 1);
}

static void scene_free(char *at)
{
	map_anon(at, 200 * PAGE);
	write_pages(at, 200, 1);
	madvise(at, 100 * PAGE, MADV_FREE);
}

static void scene_none(char *at)
{
	map_anon(at, 50 * PAGE);
	write_pages(at, 20, 1);
	mprotect(at, 50 * PAGE, PROT_NONE);
}

static void scene_guard(char *at)
{
	map_anon(at, 100 * PAGE);
	write_pages(at, 30, 1);
	madvise(at, 10 * PAGE, MADV_GUARD_INSTALL);
}

static void scene_file(char *at)
{
	char path[] = "gomem-test-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	if (ftruncate(fd, 64 * PAGE))
		return;
	map(at, 64 * PAGE, MAP_PRIVATE, fd);
	read_pages(at, 64);
	write_pages(at, 10, 1);
}

static void memfd_scene(char *at, int flags)
{
	int fd = memfd_create("a name with blanks", 0);

	if (ftruncate(fd, 100 * PAGE))
		return;
	map(at, 100 * PAGE, MAP_SHARED, fd);
	write_pages(at, 30, 2);
	if (flags == MAP_SHARED)
		return;
	munmap(at, 100 * PAGE);
	map(at, 100 * PAGE, flags, fd);
	read_pages(at, 60);
	write_pages(at, 20, 1);
}

static void scene_memfd(char *at)
{
	memfd_scene(at, MAP_SHARED);
}

static void scene_memfd_private(char *at)
{
	memfd_scene(at, MAP_PRIVATE);
}

static void scene_shared(char *at)
{
	map(at, 100 * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	write_pages(at, 40, 1);
}

static void scene_sysv(char *at)
{
	int id = shmget(IPC_PRIVATE, 20 * PAGE, IPC_CREAT | 0600);

	if (shmat(id, at, 0) == at)
		write_pages(at, 15, 1);
	shmctl(id, IPC_RMID, NULL);
}

static void scene_dev_zero(char *at)
{
	map(at, 20 * PAGE, MAP_PRIVATE, open("/dev/zero", O_RDWR));
	read_pages(at, 12);
	write_pages(at, 5, 1);
}

static void scene_hugetlb(char *at)
{
	map(at, 2 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1);
}

/* @rss_pages: where construction says it all, else 0. @maybe: the kernel may refuse it. */
static const struct scene {
	const char *name;
	void (*make)(char *at);
	enum gm_vma_kind kind;
	unsigned int rss_pages;
	bool maybe;
} scenes[] = {
	{ "anonymous pages", scene_anon, GM_VMA_ANON, 200, false },
	{ "huge pages", scene_thp, GM_VMA_ANON, 0, false },
	{ "a huge page with a hole", scene_thp_hole, GM_VMA_ANON, 0, false },
	{ "the zero page", scene_zero, GM_VMA_ANON, 10, false },
	{ "the huge zero page", scene_huge_zero, GM_VMA_ANON, 0, false },
	{ "freed lazily", scene_free, GM_VMA_ANON, 200, false },
	{ "no access", scene_none, GM_VMA_ANON, 20, false },
	{ "guard markers", scene_guard, GM_VMA_ANON, 0, false },
	{ "a private file", scene_file, GM_VMA_FILE, 64, false },
	{ "a memfd", scene_memfd, GM_VMA_SHMEM, 30, false },
	{ "a private memfd", scene_memfd_private, GM_VMA_SHMEM, 60, false },
	{ "shared anonymous", scene_shared, GM_VMA_SHMEM, 40, false },
	{ "System V", scene_sysv, GM_VMA_SHMEM, 15, true },
	{ "/dev/zero, private", scene_dev_zero, GM_VMA_ANON, 5, false },
	{ "hugetlb", scene_hugetlb, GM_VMA_HUGETLB, 0, true },
};

#define SCENES (sizeof(scenes) / sizeof(*scenes))

static char *scene_at(size_t i)
{
	return (char *)(BASE + i * APART);
}

/* A child that made all scenes and stopped. */
static pid_t start_child(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (size_t i = 0; i < SCENES; i++)
			scenes[i].make(scene_at(i));
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &status, WUNTRACED);
	return child;
}

/* Sums over the VMAs that lie in [start, end), bytes. */
struct sums {
	uint64_t rss, anon, thp, swap;
};

static void add_smaps_line(struct sums *sums, const char *line)
{
	char key[32];
	uint64_t kb;

	if (sscanf(line, "%31[A-Za-z]: %" SCNu64 " kB", key, &kb) != 2)
		return;
	sums->rss += strcmp(key, "Rss") ? 0 : kb * 1024;
	sums->anon += strcmp(key, "Anonymous") ? 0 : kb * 1024;
	sums->thp += strcmp(key, "AnonHugePages") ? 0 : kb * 1024;
	sums->swap += strcmp(key, "Swap") ? 0 : kb * 1024;
}

static struct sums read_smaps(pid_t pid, uint64_t start, uint64_t end)
{
	uint64_t vma_start, vma_end;
	struct sums sums = {};
	bool inside = false;
	char line[4096];
	FILE *smaps;

	snprintf(line, sizeof(line), "/proc/%d/smaps", (int)pid);
	smaps = fopen(line, "r");
	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &vma_start, &vma_end) == 2)
			inside = vma_start >= start && vma_end <= end;
		else if (inside)
			add_smaps_line(&sums, line);
	}
	if (smaps)
		fclose(smaps);
	return sums;
}

static struct sums sum_pages(const struct gm_pages *pages, uint64_t start, uint64_t end)
{
	struct sums sums = {};

	for (size_t i = 0; i < pages->count; i++) {
		const struct gomem_page_run *run = &pages->items[i];
		uint64_t bytes = run->pages * PAGE;

		if (run->start < start || run->start >= end)
			continue;
		sums.rss += gm_page_resident(run->state) ? bytes : 0;
		sums.thp += run->state == GOMEM_PAGE_THP ? bytes : 0;
		sums.swap += run->state == GOMEM_PAGE_SWAP ? bytes : 0;
		if (run->state == GOMEM_PAGE_ANON || run->state == GOMEM_PAGE_THP)
			sums.anon += bytes;
	}
	return sums;
}

static void compare(const char *source, const char *scene, const struct sums *came,
		    const struct sums *smaps)
{
	char what[128];

#define COMPARE(field)                                                               \
	do {                                                                         \
		snprintf(what, sizeof(what), "%s: " #field " of %s", source, scene); \
		tap_u64(came->field, smaps->field, what, "smaps");                   \
	} while (0)
	COMPARE(rss);
	COMPARE(anon);
	COMPARE(thp);
	COMPARE(swap);
#undef COMPARE
}

static void compare_scenes(pid_t child, const struct gm_maps *maps, const struct gm_pages *pages,
			   const char *source)
{
	for (size_t i = 0; i < SCENES; i++) {
		uint64_t start = (uintptr_t)scene_at(i), end = start + APART;
		struct sums came = sum_pages(pages, start, end);
		struct sums smaps = read_smaps(child, start, end);

		if (!gm_maps_find(maps, start))
			continue;
		compare(source, scenes[i].name, &came, &smaps);
		if (scenes[i].rss_pages)
			tap_u64(came.rss, scenes[i].rss_pages * PAGE, scenes[i].name,
				"construction");
	}
}

static void test_source(pid_t child, const struct gm_maps *maps, enum gm_pages_source source,
			const char *name)
{
	gm_auto(gm_pages) struct gm_pages *pages = NULL;
	struct gm_error *error = gm_pages_read(child, maps, source, &pages);

	if (error && error->code == ENOTSUP) {
		tap_skip(name, error->message);
		gm_error_destroy(error);
		return;
	}
	if (!tap_ok(!error, name)) {
		printf("# %s\n", error->message);
		gm_error_destroy(error);
		return;
	}
	tap_u64(pages->source, source, "the source asked for", "construction");
	tap_ok(pages->missing, "it says what it cannot tell");
	compare_scenes(child, maps, pages, name);
}

/* The scene's file lies where the test runs, which may be a tmpfs. */
static enum gm_vma_kind expected_kind(const struct scene *scene)
{
	struct statfs here;

	if (scene->kind == GM_VMA_FILE && !statfs(".", &here) && here.f_type == TMPFS_MAGIC)
		return GM_VMA_SHMEM;
	return scene->kind;
}

static void test_kinds(const struct gm_maps *maps)
{
	for (size_t i = 0; i < SCENES; i++) {
		const struct gm_vma *vma = gm_maps_find(maps, (uintptr_t)scene_at(i));
		char what[128];

		snprintf(what, sizeof(what), "kind of %s", scenes[i].name);
		if (!vma && scenes[i].maybe)
			tap_skip(what, "the kernel refused to map it");
		else if (tap_ok(vma, scenes[i].name))
			tap_str(gm_vma_kind_name(vma->kind),
				gm_vma_kind_name(expected_kind(&scenes[i])), what, "construction");
	}
	tap_ok(!gm_maps_find(maps, BASE - 1), "nothing lies before the first scene");
}

/* The scenes alone: with a sanitizer the rest is terabytes of shadow memory. */
static struct gm_maps scenes_only(const struct gm_maps *maps)
{
	struct gm_maps some = {};

	for (size_t i = 0; i < maps->count; i++) {
		const struct gm_vma *vma = &maps->items[i];

		if (vma->start < BASE || vma->start >= BASE + SCENES * APART)
			continue;
		if (!some.items)
			some.items = (struct gm_vma *)vma;
		some.count++;
	}
	return some;
}

static void test_scenes(void)
{
	gm_auto(gm_maps) struct gm_maps *maps = NULL;
	pid_t child = start_child();
	struct gm_zero_frames zero;
	struct gm_maps some;

	if (tap_ok(!gm_maps_read(child, &maps), "the child's maps")) {
		some = scenes_only(maps);
		test_kinds(maps);
		test_source(child, &some, GM_PAGES_SCAN, "PAGEMAP_SCAN");
		gm_zero_frames_find(&zero);
		if (zero.small)
			test_source(child, &some, GM_PAGES_PAGEMAP, "pagemap");
		else
			tap_skip("pagemap", "page frames are hidden from this user");
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A program that is not ours, whole: its resident pages are its Rss. */
static void test_whole(enum gm_pages_source source, const char *name)
{
	gm_auto(gm_maps) struct gm_maps *maps = NULL;
	gm_auto(gm_pages) struct gm_pages *pages = NULL;
	struct gm_error *error;
	uint64_t again = 0;
	pid_t child = fork();
	struct sums sums;

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("sleep", "sleep", "60", NULL);
		_exit(1);
	}
	usleep(300000);
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	error = gm_maps_read(child, &maps);
	error = error ? error : gm_pages_read(child, maps, source, &pages);
	error = error ? error : gm_pages_rss(child, source, &again);
	if (error && error->code == ENOTSUP) {
		tap_skip(name, error->message);
	} else if (tap_ok(!error, name)) {
		sums = sum_pages(pages, 0, UINT64_MAX);
		tap_u64(sums.rss, read_smaps(child, 0, UINT64_MAX).rss, "Rss of sleep", "smaps");
		tap_u64(again, read_smaps(child, 0, UINT64_MAX).rss, "Rss, second look", "smaps");
	}
	gm_error_destroy(error);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	test_scenes();
	test_whole(GM_PAGES_SCAN, "sleep by PAGEMAP_SCAN");
	test_whole(GM_PAGES_PAGEMAP, "sleep by pagemap");
	return tap_done();
}
