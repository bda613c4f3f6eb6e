/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one place that knows kernels differ. What a newer kernel has and an older one
 * lacks gets the newest name here, so that the rest reads like today's kernel and a
 * shim dies by deletion. The questions are asked in compat/Kbuild.
 */
#ifndef GOMEM_COMPAT_H
#define GOMEM_COMPAT_H

#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/kprobes.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/proc_fs.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#ifdef GOMEM_HAS_SOFTLEAF
#include <linux/leafops.h>
#else
#include <linux/swapops.h>
#endif

/* No fault is tried under the lock of a VMA: none carries the flag. */
#ifndef GOMEM_HAS_VMA_LOCK
#define FAULT_FLAG_VMA_LOCK 0
#endif

/* Orders of the buddy allocator, 0 to this less 1; it was called MAX_ORDER before 6.4. */
#ifndef NR_PAGE_ORDERS
#define NR_PAGE_ORDERS MAX_ORDER
#endif

/* A fault that dropped its locks is tried again. */
#ifndef GOMEM_HAS_FAULT_COMPLETED
#define VM_FAULT_COMPLETED 0
#endif

#ifndef GOMEM_HAS_GET_KRETPROBE
#define get_kretprobe(ri) ((ri)->rp)
#endif

#ifndef GOMEM_HAS_IS_COW_MAPPING
#define is_cow_mapping(flags) (((flags) & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE)
#endif

/* All memory is mapped at all times on amd64. */
#ifndef GOMEM_HAS_KMAP_LOCAL
#define kmap_local_page(page) page_address(page)
#define kunmap_local(at) ((void)(at))
#endif

#ifndef GOMEM_HAS_PDE_DATA
#define pde_data(inode) PDE_DATA(inode)
#endif

#ifndef GOMEM_HAS_SHMEM_MAPPING
#define shmem_mapping(mapping) ((mapping)->host->i_sb->s_magic == TMPFS_MAGIC)
#endif

/* The workqueues of all, by what their workers are bound to. */
#ifndef GOMEM_HAS_SYSTEM_DFL_WQ
#define system_percpu_wq system_wq
#define system_dfl_wq system_unbound_wq
#endif

/* What order has the entry? Swap of shared memory, all we ask it of, was in single pages. */
#ifndef GOMEM_HAS_XAS_GET_ORDER
#define xas_get_order(xas) 0
#endif

/* A folio is a page that is no tail of a compound page. */
#ifndef GOMEM_HAS_FOLIO
struct folio {
	struct page page;
};

#define page_folio(at) ((struct folio *)compound_head(at))
#define folio_order(folio) compound_order(&(folio)->page)
#define folio_nr_pages(folio) compound_nr(&(folio)->page)
#define folio_test_anon(folio) PageAnon(&(folio)->page)
#define folio_test_dirty(folio) PageDirty(&(folio)->page)
#define folio_test_large(folio) PageHead(&(folio)->page)
#define folio_test_swapbacked(folio) PageSwapBacked(&(folio)->page)
#define folio_test_swapcache(folio) PageSwapCache(&(folio)->page)
#endif

#ifndef GOMEM_HAS_VMA_ITERATOR
/**
 * struct vma_iterator - goes over VMAs by address, under the mmap lock
 * @mm: whose
 * @addr: begins at the VMA that ends above this
 * @vma: the last one it found
 */
struct vma_iterator {
	struct mm_struct *mm;
	unsigned long addr;
	struct vm_area_struct *vma;
};

#define VMA_ITERATOR(name, of, from) struct vma_iterator name = { .mm = of, .addr = from }

/* vma_find() - the next one, if it starts at @max or below */
static inline struct vm_area_struct *vma_find(struct vma_iterator *vmi, unsigned long max)
{
	struct vm_area_struct *next;

	next = vmi->vma ? vmi->vma->vm_next : find_vma(vmi->mm, vmi->addr);
	if (!next || next->vm_start > max)
		return NULL;
	vmi->vma = next;
	return next;
}
#endif

/* What is in the entry of a page that is not present. */
#ifndef GOMEM_HAS_SOFTLEAF
#define softleaf_t swp_entry_t
#define softleaf_from_pte(pte) pte_to_swp_entry(pte)
#define softleaf_from_pmd(pmd) pmd_to_swp_entry(pmd)
#define softleaf_is_swap(entry) (!non_swap_entry(entry))
#define softleaf_is_migration(entry) is_migration_entry(entry)
#ifdef GOMEM_HAS_PFN_SWAP_ENTRY
#define softleaf_has_pfn(entry) is_pfn_swap_entry(entry)
#define softleaf_to_page(entry) pfn_swap_entry_to_page(entry)
#else
static inline bool softleaf_has_pfn(softleaf_t entry)
{
	return is_migration_entry(entry) || is_device_private_entry(entry);
}

#define softleaf_to_page(entry) pfn_to_page(swp_offset(entry))
#endif
#endif

/* enum scan_result of mm/khugepaged.c, in no header: the second of the list since 4.8. */
#define GOMEM_SCAN_SUCCEED 1

/*
 * gomem_compat_vma_name() - the name PR_SET_VMA gave an anonymous VMA, or NULL
 *
 * anon_vma_name() is not exported. Call it under the mmap lock.
 */
static inline const char *gomem_compat_vma_name(const struct vm_area_struct *vma)
{
#ifdef CONFIG_ANON_VMA_NAME
	if (!vma->vm_file && vma->anon_name)
		return vma->anon_name->name;
#endif
	return NULL;
}

#endif /* GOMEM_COMPAT_H */
