/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between gomem.ko and whoever reads /proc/gomem.
 *
 * Every text file opens with two comment lines, then one row a line:
 *
 *	# gomem 2 vmas, sizes in kB
 *	# pid start end perms ...
 *
 * Fields are separated by blanks and never empty ("-" where there is nothing, or no number);
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
#define GOMEM_CONTRACT_VERSION 2
#define GOMEM_PROC_DIR "gomem"

/*
 * Who may see and do what. All is root's, 0400 or 0600 in directories of 0500; addresses and
 * control need a capability besides, always in the initial user namespace:
 *
 *	who                                   version, probes   the other files   writes to targets
 *	a user                                EACCES            EACCES            EACCES
 *	a user as root of a user namespace    EACCES            EACCES            EACCES
 *	root as root of a user namespace,
 *	root without capabilities,
 *	root of a container                   read              EPERM             EPERM
 *	  the same with CAP_SYS_PTRACE        read              what it sees      EPERM
 *	  the same with CAP_SYS_ADMIN, too    read              what it sees      what it sees
 *	root                                  read              read              write
 *
 * What it sees are the targets in its pid namespace: others are in no file, are no process to
 * add (ESRCH) or to delete (ENOENT), and opening their pages is ESRCH. The names of their
 * directories it does see.
 */

/*
 * What the hooks counted since attach, in a range of addresses or a target.
 *
 * faults       page faults, remote ones (ptrace, process_vm_writev) included; one that
 *              the kernel tries again counts once, one that ends in a signal counts
 * zero_faults  of these, reads of anonymous memory that had nothing there: the zero page
 * mthp_faults  faults that mapped a fresh anonymous folio larger than a page and smaller
 *              than a huge page (vmstat anon_fault_alloc of each such size)
 * huge_faults  faults that mapped a fresh anonymous huge page (vmstat thp_fault_alloc)
 * fallbacks    huge faults that had to settle for 4 KiB (vmstat thp_fault_fallback; but a write
 *              over the huge zero page that gets no huge page, on 7.2, is none)
 * cow          write faults that replaced a mapped page by a copy, the zero page included
 * swapins      faults that brought a page back from swap
 * swapouts     kB that reclaim unmapped and left in swap
 * splits       huge PMDs split into 4 KiB entries (vmstat thp_split_pmd)
 * collapses    2 MiB ranges collapsed into a huge page by khugepaged or MADV_COLLAPSE;
 *              collapses into smaller folios (7.2) are not counted
 * refills      of these, in 2 MiB where something was released since the last
 * filled       kB that were empty or the zero page when a collapse made them resident
 * migrated     kB moved to other page frames: NUMA balancing, compaction, move_pages(2)
 * released     kB that were resident when MADV_DONTNEED, MADV_FREE or munmap (brk, mremap,
 *              a mapping over it, shmdt, truncation, a hole in a file) gave them back. Exit,
 *              the OOM reaper and process_mrelease are no release, and what MADV_FREE gave
 *              back is not released again when it is unmapped, unless written in between, or
 *              read so soon after that it is taken for in use
 * releases     how many releases those were, each counted in every 2 MiB it touched
 * churn        kB of anonymous memory that faults brought in again within a minute of a
 *              release in the same 2 MiB, at most what was released there
 *
 * Threads that race for one page each count a fault, and may each count its outcome.
 * The counts are kept by address: they stay with the range when its VMA is replaced, and
 * start again at exec, whose addresses mean something else.
 */
#define GOMEM_EVENT_COLUMNS(X) \
	X(faults, DEC)         \
	X(zero_faults, DEC)    \
	X(mthp_faults, DEC)    \
	X(huge_faults, DEC)    \
	X(fallbacks, DEC)      \
	X(cow, DEC)            \
	X(swapins, DEC)        \
	X(swapouts, DEC)       \
	X(splits, DEC)         \
	X(collapses, DEC)      \
	X(refills, DEC)        \
	X(filled, DEC)         \
	X(migrated, DEC)       \
	X(released, DEC)       \
	X(releases, DEC)       \
	X(churn, DEC)

/*
 * Kinds of event: the rows of /proc/gomem/counts, the records of /proc/gomem/events.
 * A size in bytes goes with each; what it is, is said here, and it is 0 where nothing is.
 * What a kernel does not have stays 0: mthp_fault before 6.8 and while all such sizes are
 * off, madv_collapse on 5.10; and what has no hook, see /proc/gomem/probes.
 *
 * file_fault      a fault in memory that is not anonymous; 4 KiB
 * anon_fault      a fault that found anonymous memory empty and wants it: 4 KiB, whatever
 *                 the kernel then maps; the next three tell of what else it mapped
 * mthp_fault      an anon_fault that mapped a folio of several pages; its size
 * huge_fault      an anon_fault, or a cow of the huge zero page, that mapped a huge page; its size
 * fallback        an anon_fault that wanted a huge page and got none; 2 MiB
 * zero_fault      a fault that reads empty anonymous memory: the zero page, small or huge; 4 KiB
 * cow             a write fault replaced a mapped 4 KiB page by a copy; 4 KiB
 * huge_cow        a write fault in a write-protected huge page, copied or split; 2 MiB
 * swapin          a fault brought a page back from swap; 4 KiB, even of a larger folio
 * swapout         reclaim unmapped pages and left them in swap; what was unmapped
 * mmap            mmap(2), or the kernel for it; the mapping
 * munmap          munmap(2), or the kernel for it; the range. What goes by a mapping over it,
 *                 mremap(2) or shmdt(2) is no munmap, but a zap
 * brk             the heap grew or shrank; by how much
 * mremap          mremap(2) moved or resized; the new mapping
 * mprotect        the range whose protection changed, a record a VMA
 * vma_split       a VMA became two; 0
 * vma_merge       a VMA vanished in another, once for each; 0. One that only grows is none
 * dontneed        madvise(2) MADV_DONTNEED; the range asked for. As of the next four: 0 when a part
 *                 may have been done, as something in the range was not mapped (ENOMEM); an
 *                 advice that ended with another error is no event, even if it came part of the way
 * lazyfree        madvise(2) MADV_FREE; the range
 * hugepage        madvise(2) MADV_HUGEPAGE; the range
 * nohugepage      madvise(2) MADV_NOHUGEPAGE; the range
 * madv_collapse   madvise(2) MADV_COLLAPSE; the range; 0 also when not all of it could be
 *                 collapsed (EAGAIN, EBUSY)
 * collapse        a 2 MiB range became a huge page, by khugepaged or MADV_COLLAPSE; the pages that
 *                 were empty in it
 * pmd_split       a huge PMD was split into 4 KiB entries; 2 MiB
 * folio_split     a large anonymous folio that it maps was split; its size. Of several targets that
 *                 map it, the one that the kernel came to first
 * zap             resident pages were unmapped to give them back; those pages
 * migrate         pages moved to other frames; those pages
 * fork            it made a process; 0
 * exec            it called exec; 0
 * exit            it exited; its RSS by the kernel's own count, which may be some pages a CPU off
 */
#define GOMEM_KINDS(X)   \
	X(file_fault)    \
	X(anon_fault)    \
	X(mthp_fault)    \
	X(huge_fault)    \
	X(fallback)      \
	X(zero_fault)    \
	X(cow)           \
	X(huge_cow)      \
	X(swapin)        \
	X(swapout)       \
	X(mmap)          \
	X(munmap)        \
	X(brk)           \
	X(mremap)        \
	X(mprotect)      \
	X(vma_split)     \
	X(vma_merge)     \
	X(dontneed)      \
	X(lazyfree)      \
	X(hugepage)      \
	X(nohugepage)    \
	X(madv_collapse) \
	X(collapse)      \
	X(pmd_split)     \
	X(folio_split)   \
	X(zap)           \
	X(migrate)       \
	X(fork)          \
	X(exec)          \
	X(exit)

#define GOMEM_KIND_MEMBER(name) GOMEM_KIND_##name,
/** enum gomem_kind - the kinds of GOMEM_KINDS; GOMEM_KIND_lost is for struct gomem_event alone */
enum gomem_kind { GOMEM_KINDS(GOMEM_KIND_MEMBER) GOMEM_KINDS_MAX, GOMEM_KIND_lost = 255 };
#undef GOMEM_KIND_MEMBER

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
 * changes while it is looked at becomes several rows. A target that
 * changes them faster than they are looked at, so that it has 4096 more rows than twice the VMAs it
 * ever had meanwhile, ends a read of this file, of summary or of huge with EBUSY.
 * kind: anon, heap, stack, file, shmem, hugetlb, vdso (the kernel's own mappings).
 * name: the mapped file's path, or the anonymous VMA's name, or "-"; "?" for a path over 4 KiB,
 * and where the names of all VMAs of a target take more than 8 MiB.
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

/* /proc/gomem/targets: a row per target. Takes, one a write():
 *
 *	add PID [follow=0|1]
 *	del PID
 *	add-cgroup PATH
 *	del-cgroup PATH
 *	go PID tls=N m=N curg=N goid=N labels=N stack=N sched_pc=N sched_bp=N
 *
 * The last is for a Go program: where its runtime keeps the goroutine, until it calls exec.
 * tls: the distance of the current runtime.g from the thread pointer, or reg=r14 in its
 * place; m: in bytes, g.m in runtime.g; curg: m.curg in runtime.m; the others in runtime.g.
 * Offsets are multiples of 8, at most 65528, and tls at most 1 MiB either way.
 * A pid is of the reader's or writer's pid namespace, and may be that of a thread. A target
 * that the reader's namespace does not see is left out of every file. Errors of write():
 * EINVAL syntax or a kernel thread, ESRCH no such process, EEXIST watched already, ENOENT not
 * watched, ENOSPC too many, EAGAIN the module is still loading, EPERM without CAP_SYS_ADMIN in
 * the initial user namespace, when opened and when written.
 * An exited target stays until deleted, or until its number is added again; one that nobody
 * named (a child that was followed, a process of a cgroup), until its place is needed, or its
 * share of the 32 MiB that such keep in all. Its last figures are of the moment before its
 * memory was torn down; a victim of the OOM killer keeps its counts alone, its sizes are 0.
 *
 * With add-cgroup every process in a cgroup of the v2 hierarchy, or below it, is a target:
 * one that is forked, or cloned, into it from its first instruction on, one that is moved into
 * it soon after. One that is moved out is forgotten, unless it was added by itself. PATH is as
 * in /proc/PID/cgroup, from the root of the writer's cgroup namespace (on 5.10, from that of
 * the hierarchy). A cgroup that is removed is watched no more, what exited in it stays;
 * del-cgroup forgets that, too. After the rows, a remark per cgroup says how many processes it
 * has and how many of them there is no room for; they become targets when there is. More
 * errors: ENOENT and ENOTDIR no such cgroup, EEXIST and ENOENT as for a pid, ENOSPC 16 are
 * watched, EBUSY del of a process that is there for its cgroup alone (add of it is none: it
 * stays then when it leaves).
 *
 * origin: param, write, fork or cgroup; parent: the target it was forked from, 0 if none or not
 * seen. unfollowed: children that were to be followed and could not be. dir: the name of its
 * directory in /proc/gomem, which is its pid in the initial pid namespace.
 * go: how the goroutine is found: tls, r14, or "-" when that was not said.
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
	X(unfollowed, DEC)       \
	X(dir, DEC)              \
	X(go, STR)

/* /proc/gomem/counts: a row per target and kind of event, since attach, across exec.
 * size: kB, see GOMEM_KINDS.
 */
#define GOMEM_COUNTS_COLUMNS(X) \
	X(pid, DEC)             \
	X(kind, STR)            \
	X(count, DEC)           \
	X(size, DEC)

/* /proc/gomem/huge: a row per 2 MiB of address space and VMA that had an event or is
 * resident, by address: [start, end), the whole 2 MiB or what lies in the VMA.
 * mthp: kB of it mapped by PTEs in large folios. zero: kB of it that are in a
 * huge page and all zeros, "-" when that was not looked at: written to the open file before
 * its first read, "zeros=1" asks for that, and "pid=N" for one target alone.
 * first_fault, last_fault, last_release, last_huge: milliseconds ago, in steps of a quarter
 * of a second, "-" for never. by: who made it huge last: fault, khugepaged, madvise, or "-".
 */
#define GOMEM_HUGE_COLUMNS(X)  \
	X(pid, DEC)            \
	X(start, HEX)          \
	X(end, HEX)            \
	X(rss, DEC)            \
	X(anon, DEC)           \
	X(mthp, DEC)           \
	X(thp, DEC)            \
	X(swap, DEC)           \
	X(lazyfree, DEC)       \
	X(zero, DEC)           \
	GOMEM_EVENT_COLUMNS(X) \
	X(first_fault, DEC)    \
	X(last_fault, DEC)     \
	X(last_release, DEC)   \
	X(last_huge, DEC)      \
	X(by, STR)

/* /proc/gomem/stacks: a row per user stack, thread, goroutine and kind of event, while the
 * parameter "stacks" is not 0: every so many-th first touch of a page (anon_fault,
 * zero_fault), which counts for as many; each mthp_fault, huge_fault, mmap and madvise.
 * What another process did to the target is left out, and so is what came before its
 * last exec. goid, labels: the goroutine's id and its labels pointer (g.labels), 0 when
 * not known. When there are too many of them in all, they are 0, and so is tid. size: kB.
 * frames: code addresses, hex, innermost first, with commas: the instruction, then
 * return addresses by frame pointers, at most 32.
 */
#define GOMEM_STACKS_COLUMNS(X) \
	X(pid, DEC)             \
	X(tid, DEC)             \
	X(goid, DEC)            \
	X(labels, HEX)          \
	X(kind, STR)            \
	X(count, DEC)           \
	X(size, DEC)            \
	X(frames, STR)

/* /proc/gomem/frag: the host's state that decides huge pages, and what of it changed: rows of
 * a scope, an item in it and its value.
 *
 * thp                settings, by their names below /sys/kernel/mm/transparent_hugepage
 * vmstat             events since boot, by their names in /proc/vmstat
 * node0/DMA32/order3 of a node, zone and order: free, blocks on its free list; extfrag,
 *                    the kernel's fragmentation index: an allocation would fail for want of
 *                    memory (towards 0) or for fragmentation (towards 1), -1: it would not
 *                    fail; unusable, the share of free memory that is in smaller blocks
 * pid4711            of a target: page_tables, kB; and the events since it was attached
 *
 * /proc/gomem/stats: gomem itself, the same way; the man page lists the items.
 */
#define GOMEM_ITEM_COLUMNS(X) \
	X(scope, STR)         \
	X(item, STR)          \
	X(value, STR)

/* /proc/gomem/probes: a row per hook. state: planted; absent; or disarmed, when it is planted
 * but kprobes were turned off in /sys/kernel/debug/kprobes: then it sees nothing. why says why,
 * for absent ones as well.
 * missed: times the kernel could not run the handler (kprobe nmissed).
 * timed: of its hits, those whose handler was timed: all, but of handle_mm_fault a 64th.
 * ns: how long it took in these.
 */
#define GOMEM_PROBES_COLUMNS(X) \
	X(event, STR)           \
	X(type, STR)            \
	X(symbol, STR)          \
	X(state, STR)           \
	X(hits, DEC)            \
	X(missed, DEC)          \
	X(why, STR)             \
	X(timed, DEC)           \
	X(ns, DEC)

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
 * @node: the NUMA node the pages are on; GOMEM_NODE_UNKNOWN when not asked for, and for
 *	what is on none: zero pages, swap, pages that migrate
 * @reserved: 0
 *
 * The file is binary, in native byte order: runs by address, never overlapping.
 * A file offset is an address: pread() at A gives the runs from A on, read()
 * goes on where the last run ended, 0 is the end of the address space. A buffer
 * smaller than one run is -EINVAL; a process that is gone, or that the reader's pid
 * namespace does not see, -ESRCH.
 *
 * swap includes what the process left behind in swap as shared memory, of which its page
 * tables know nothing.
 *
 * Written to an open file, "node=1" asks for nodes in what is read from then on, and
 * "node=0" no longer; anything else is -EINVAL.
 */
#define GOMEM_NODE_UNKNOWN 255

struct gomem_page_run {
	__u64 start;
	__u32 pages;
	__u8 state;
	__u8 order;
	__u8 node;
	__u8 reserved;
};

/**
 * struct gomem_event - what happened, /proc/gomem/events
 * @time_ns: when, CLOCK_MONOTONIC; for GOMEM_KIND_lost, of the last event before it on this CPU
 * @start: the range it happened in is [start, end)
 * @end: see @start
 * @bytes: see GOMEM_KINDS; for GOMEM_KIND_lost, how many events this CPU had no room for
 * @pid: the target, in the pid namespace of who opened the file; what happens to a target that is
 *	not seen there is not told
 * @tid: the thread that did it, likewise, 0 if not seen; of another process for khugepaged and
 *	reclaim
 * @cpu: where; the order of events is kept for each CPU, for all by @time_ns
 * @kind: enum gomem_kind
 * @order: of the folio, where one was mapped, collapsed or split
 *
 * The file is binary, in native byte order. read() waits for an event unless O_NONBLOCK
 * is set, poll() tells of one, a buffer smaller than one record is -EINVAL. An open file is
 * told of what happens from its first read() or poll() on. Before that, words written to it
 * set what is wanted: "kinds=A,B" (names of GOMEM_KINDS) and "pid=N"; -EINVAL for what is
 * neither, -ESRCH for no process, and after that -EBUSY. Each open file has rings of its own
 * for each CPU, at most GOMEM_EVENT_READERS_MAX are open, else -EBUSY; what had no room is a
 * record of its own, GOMEM_KIND_lost, where it would have been. rmmod is refused while a file
 * is open.
 */
struct gomem_event {
	__u64 time_ns;
	__u64 start;
	__u64 end;
	__u64 bytes;
	__u32 pid;
	__u32 tid;
	__u16 cpu;
	__u8 kind;
	__u8 order;
	__u32 reserved;
};

#define GOMEM_EVENT_READERS_MAX 8

#endif /* GOMEM_H */
