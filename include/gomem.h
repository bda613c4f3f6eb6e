/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between gomem.ko and whoever reads /proc/gomem.
 *
 * Every text file opens with two comment lines, then one row a line:
 *
 *	# gomem 1 vmas, sizes in kB
 *	# pid start end perms ...
 *
 * Fields are separated by blanks and never empty ("-" where there is nothing);
 * a blank, a backslash or a control character inside a field is written as
 * \ooo, three octal digits. Further lines that open with '#' are remarks for people.
 * Columns are only appended; a changed column raises GOMEM_CONTRACT_VERSION.
 *
 * The kernel prints from the lists below and gomemctl parses from them, so a
 * column is named in one place. X(name, type): type is DEC (unsigned decimal),
 * HEX (unsigned, no 0x) or STR.
 */
#ifndef GOMEM_H
#define GOMEM_H

#include <linux/types.h>

#define GOMEM_VERSION "0.1.0"
#define GOMEM_CONTRACT_VERSION 1
#define GOMEM_PROC_DIR "gomem"

/*
 * What the hooks counted since attach, in a range of addresses or a target.
 *
 * faults       page faults, remote ones (ptrace, process_vm_writev) included; one that
 *              the kernel tries again counts once, one that ends in a signal counts
 * huge_faults  faults that mapped a fresh anonymous huge page (vmstat thp_fault_alloc)
 * fallbacks    huge faults that had to settle for 4 KiB (vmstat thp_fault_fallback)
 * cow          write faults that replaced a mapped page by a copy, the zero page included
 * swapins      faults that brought a page back from swap
 * splits       huge PMDs split into 4 KiB entries (vmstat thp_split_pmd)
 * collapses    2 MiB ranges collapsed into a huge page by khugepaged or MADV_COLLAPSE
 * released     kB that were resident when MADV_DONTNEED, MADV_FREE or munmap (brk, mremap,
 *              a mapping over it, truncation) gave them back. Exit is no release, and what
 *              MADV_FREE gave back is not released again when it is unmapped, unless
 *              written in between
 *
 * The counts are kept by address: they stay with the range when its VMA is replaced, and
 * start again at exec, whose addresses mean something else.
 */
#define GOMEM_EVENT_COLUMNS(X) \
	X(faults, DEC)         \
	X(huge_faults, DEC)    \
	X(fallbacks, DEC)      \
	X(cow, DEC)            \
	X(swapins, DEC)        \
	X(splits, DEC)         \
	X(collapses, DEC)      \
	X(released, DEC)

/*
 * Sizes as /proc/PID/smaps defines them, kB.
 *
 * rss       Rss: present, and not the zero page
 * anon      Anonymous, huge pages included
 * thp       AnonHugePages: mapped by a PMD
 * swap      Swap
 * lazyfree  LazyFree: MADV_FREE'd and clean, still part of rss
 */
#define GOMEM_SIZE_COLUMNS(X) \
	X(size, DEC)          \
	X(rss, DEC)           \
	X(anon, DEC)          \
	X(thp, DEC)           \
	X(swap, DEC)          \
	X(lazyfree, DEC)

/* /proc/gomem/vmas: a row per VMA of every target, [start, end), by address. A VMA that
 * changes while it is looked at becomes several rows.
 * kind: anon, heap, stack, file, shmem, hugetlb, vdso (the kernel's own mappings).
 * name: the mapped file's path, or the anonymous VMA's name, or "-".
 */
#define GOMEM_VMAS_COLUMNS(X)  \
	X(pid, DEC)            \
	X(start, HEX)          \
	X(end, HEX)            \
	X(perms, STR)          \
	X(kind, STR)           \
	GOMEM_SIZE_COLUMNS(X)  \
	GOMEM_EVENT_COLUMNS(X) \
	X(name, STR)

/* /proc/gomem/summary: a row per target.
 * state: running, or exited (then every figure is the last one seen).
 * age_ms: milliseconds since attach; seen_ms: since the sizes were looked at.
 * walk_us, hold_us: the walk that gave this row, and its longest hold of a lock.
 * records, dropped: ledger records in use; events lost because the ledger was full.
 * unseen: kB of address range released in such large pieces that the hook did not
 * count what was resident in them.
 */
#define GOMEM_SUMMARY_COLUMNS(X) \
	X(pid, DEC)              \
	X(comm, STR)             \
	X(state, STR)            \
	X(age_ms, DEC)           \
	X(seen_ms, DEC)          \
	X(execs, DEC)            \
	X(vmas, DEC)             \
	GOMEM_SIZE_COLUMNS(X)    \
	GOMEM_EVENT_COLUMNS(X)   \
	X(records, DEC)          \
	X(dropped, DEC)          \
	X(unseen, DEC)           \
	X(walk_us, DEC)          \
	X(hold_us, DEC)

/* /proc/gomem/targets: a row per target. Takes "add PID [follow=0|1]" and "del PID".
 * A pid is of the reader's or writer's pid namespace, and may be that of a thread. Errors of
 * write(): EINVAL syntax or a kernel thread, ESRCH no such process, EEXIST watched already,
 * ENOENT not watched, ENOSPC too many, EPERM without CAP_SYS_ADMIN in the initial namespace.
 * An exited target stays until deleted, or until its number is added again; an exited
 * child that was followed, until its place is needed.
 *
 * origin: param, write or fork; parent: the pid it was forked from, 0 if not followed.
 * unfollowed: children that were to be followed and could not be.
 */
#define GOMEM_TARGETS_COLUMNS(X) \
	X(pid, DEC)              \
	X(comm, STR)             \
	X(state, STR)            \
	X(age_ms, DEC)           \
	X(execs, DEC)            \
	X(follow, DEC)           \
	X(origin, STR)           \
	X(parent, DEC)           \
	X(unfollowed, DEC)

/* /proc/gomem/probes: a row per hook. state: planted, or absent (then why says it).
 * missed: times the kernel could not run the handler (kprobe nmissed).
 */
#define GOMEM_PROBES_COLUMNS(X) \
	X(event, STR)           \
	X(type, STR)            \
	X(symbol, STR)          \
	X(state, STR)           \
	X(hits, DEC)            \
	X(missed, DEC)          \
	X(why, STR)

/* /proc/gomem/version: one row. */
#define GOMEM_VERSION_COLUMNS(X) \
	X(module, STR)           \
	X(contract, DEC)         \
	X(kernel, STR)

/**
 * enum gomem_page_state - what one 4 KiB page of address space is
 *
 * DESIGN's words. Resident (part of RSS): anon, mthp, thp, lazyfree, file,
 * shmem, migrating.
 */
enum gomem_page_state {
	GOMEM_PAGE_ABSENT,
	GOMEM_PAGE_ZERO, /* the zero page; order 9 for the huge one */
	GOMEM_PAGE_ANON, /* one 4 KiB page */
	GOMEM_PAGE_MTHP, /* part of a large folio, mapped by PTEs */
	GOMEM_PAGE_THP, /* anonymous, mapped by a PMD */
	GOMEM_PAGE_LAZYFREE, /* MADV_FREE'd and clean */
	GOMEM_PAGE_SWAP,
	GOMEM_PAGE_FILE,
	GOMEM_PAGE_SHMEM,
	GOMEM_PAGE_MIGRATING,
	GOMEM_PAGE_STATES,
};

/**
 * struct gomem_page_run - consecutive pages of one state, /proc/gomem/PID/pages
 * @start: address of the first page
 * @pages: how many, at least 1
 * @state: enum gomem_page_state; absent pages are left out of the file
 * @order: 9 for a page mapped by a PMD, the folio's order for mthp, else 0
 * @reserved: 0
 *
 * The file is binary, in native byte order: runs by address, never overlapping.
 * A file offset is an address: pread() at A gives the runs from A on, read()
 * goes on where the last run ended, 0 is the end of the address space. A buffer
 * smaller than one run is -EINVAL; a process that is gone, -ESRCH.
 */
struct gomem_page_run {
	__u64 start;
	__u32 pages;
	__u8 state;
	__u8 order;
	__u16 reserved;
};

#endif /* GOMEM_H */
