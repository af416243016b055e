/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds code that user space has not published yet: of a process that has just begun, or of a mapping that no event
 * announces. The kernel's own list of mappings says which file lies at an address, and `code_files` which unwind table
 * that file has. The list is read without its lock, which cannot be taken here. What is found is checked, and a tree
 * that changes meanwhile yields nothing.
 */
#ifndef SWPROF_TRACK_MAPPINGS_BPF_H
#define SWPROF_TRACK_MAPPINGS_BPF_H

#include "track/targets.bpf.h"
#include "abi/tables.h"

/* The files whose tables are ready. Preallocated: perf_event programs look it up. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct swprof_file_identity);
	__type(value, struct swprof_code_file);
} code_files SEC(".maps");

/*
 * include/linux/maple_tree.h, lib/maple_tree.c: a pointer to a node has its type in the bits that alignment leaves. The
 * types are numbers here, as the excerpt of the kernel's types that user space loads by has no values of enumerations.
 */
#define MAPLE_LEAF_64 1
#define MAPLE_ARANGE_64 3
#define MAPLE_NODE_MASK 0xffULL
#define MAPLE_TYPE_SHIFT 3
#define MAPLE_TYPE_MASK 0xf
#define MAPLE_IS_NODE 2
#define MAPLE_SLOTS_MAX 16
/* Ten mappings a node at least: more than the 2^31 that a process can have. */
#define MAPLE_LEVELS_MAX 10
/* Of a binary search in a node. */
#define MAPLE_STEPS 5

static __always_inline __u32 maple_type_of(__u64 node)
{
	return node >> MAPLE_TYPE_SHIFT & MAPLE_TYPE_MASK;
}

static __always_inline __u64 read_word_of_kernel(const void *place)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), place);
	return word;
}

/* What a node of a maple tree has for an index: a node of the next level, or the entry (mtree_range_walk()). 0: none.
 */
__attribute__((noinline)) __u64 maple_child(__u64 pointer, __u64 index)
{
	struct maple_node *node = (struct maple_node *)(pointer & ~MAPLE_NODE_MASK);
	bool has_gaps = maple_type_of(pointer) == MAPLE_ARANGE_64;
	const void *pivots, *slots;
	__u32 low = 0, high;

	/* A node that is no longer part of a tree is its own parent. */
	if (((__u64)BPF_CORE_READ(node, parent) & ~MAPLE_NODE_MASK) == (__u64)node)
		return 0;
	if (has_gaps) {
		pivots = &node->ma64.pivot;
		slots = &node->ma64.slot;
		high = BPF_CORE_READ(node, ma64.meta.end);
	} else {
		pivots = &node->mr64.pivot;
		slots = &node->mr64.slot;
		/* A node with all its slots in use has the last one where others count them. */
		high = MAPLE_SLOTS_MAX - 1;
		if (!read_word_of_kernel(pivots + (high - 1) * sizeof(__u64)))
			high = BPF_CORE_READ(node, mr64.meta.end);
	}
	if (high >= MAPLE_SLOTS_MAX)
		return 0;
	/* The first pivot that is not below the index. */
	for (int i = 0; i < MAPLE_STEPS && low < high; i++) {
		__u32 middle = (low + high) / 2;

		if (read_word_of_kernel(pivots + middle * sizeof(__u64)) >= index)
			high = middle;
		else
			low = middle + 1;
	}
	return read_word_of_kernel(slots + low * sizeof(__u64));
}

/* The current process's mapping of an address, a struct vm_area_struct; 0: none. */
static __always_inline __u64 mapping_of(__u64 address)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct vm_area_struct *mapping;
	__u64 entry;

	/* Before 6.1, mappings were in another kind of tree. */
	if (!mm || !bpf_core_field_exists(mm->mm_mt))
		return 0;
	entry = (__u64)BPF_CORE_READ(mm, mm_mt.ma_root);
	if ((entry & 3) != MAPLE_IS_NODE)
		return 0;
	for (int i = 0; i < MAPLE_LEVELS_MAX; i++) {
		bool is_leaf = maple_type_of(entry) == MAPLE_LEAF_64;

		entry = maple_child(entry, address);
		if (!entry)
			return 0;
		if (!is_leaf)
			continue;
		mapping = (struct vm_area_struct *)entry;
		/* The tree may have changed. */
		if (BPF_CORE_READ(mapping, vm_mm) != mm || BPF_CORE_READ(mapping, vm_start) > address ||
		    BPF_CORE_READ(mapping, vm_end) <= address)
			return 0;
		return entry;
	}
	return 0;
}

/* The nanoseconds of an inode's times have a flag above them since 6.13. */
#define NANOSECONDS_MASK 0x3fffffff

static __always_inline void identify_file(struct swprof_file_identity *identity, struct file *file)
{
	struct inode *content = BPF_CORE_READ(file, f_inode), *inode = content;

	/* What an overlay has mapped is known by the overlay's own number (file_user_inode()). */
	if (bpf_core_type_exists(struct backing_file) && BPF_CORE_READ(file, f_mode) & FMODE_BACKING) {
		struct backing_file *backing = (struct backing_file *)file;

		if (bpf_core_field_exists(backing->user_path))
			inode = BPF_CORE_READ(backing, user_path.dentry, d_inode);
	}
	identity->inode = BPF_CORE_READ(inode, i_ino);
	identity->device = BPF_CORE_READ(inode, i_sb, s_dev);
	if (bpf_core_field_exists(content->i_ctime_sec)) {
		identity->changed_s = BPF_CORE_READ(content, i_ctime_sec);
		identity->changed_ns = BPF_CORE_READ(content, i_ctime_nsec) & NANOSECONDS_MASK;
	} else if (bpf_core_field_exists(struct inode___before_6_11, __i_ctime)) {
		struct inode___before_6_11 *older = (struct inode___before_6_11 *)content;

		identity->changed_s = BPF_CORE_READ(older, __i_ctime.tv_sec);
		identity->changed_ns = BPF_CORE_READ(older, __i_ctime.tv_nsec) & NANOSECONDS_MASK;
	} else {
		struct inode___before_6_6 *oldest = (struct inode___before_6_6 *)content;

		identity->changed_s = BPF_CORE_READ(oldest, i_ctime.tv_sec);
		identity->changed_ns = BPF_CORE_READ(oldest, i_ctime.tv_nsec) & NANOSECONDS_MASK;
	}
}

/* Fills in by which table code is walked that a file has at an offset. */
static __always_inline void use_code_file(struct swprof_code_range *range, const struct swprof_code_file *file,
					  __u64 offset)
{
	range->module = SWPROF_MODULE_NONE;
	for (__u32 i = 0; i < SWPROF_FILE_SEGMENTS_MAX; i++) {
		const struct swprof_file_segment *segment = &file->segments[i];

		if (i >= file->count || offset < segment->start || offset >= segment->end)
			continue;
		range->module = file->module;
		range->bias = segment->bias + offset - range->start;
		return;
	}
}

/* Whether an address lies in a mapping of code of the current process; then `range` is that mapping. */
static __always_inline bool find_mapping(struct swprof_code_range *range, __u64 address)
{
	struct vm_area_struct *mapping = (struct vm_area_struct *)mapping_of(address);
	struct swprof_file_identity identity = {};
	const struct swprof_code_file *known;
	struct file *file;

	if (!mapping || !(BPF_CORE_READ(mapping, vm_flags) & VM_EXEC))
		return false;
	range->start = BPF_CORE_READ(mapping, vm_start);
	range->end = BPF_CORE_READ(mapping, vm_end);
	range->bias = 0;
	range->module = SWPROF_MODULE_NONE;
	range->flags = 0;
	file = BPF_CORE_READ(mapping, vm_file);
	if (file)
		identify_file(&identity, file);
	else if ((__u64)BPF_CORE_READ(mapping, vm_mm, context.vdso) != range->start) {
		range->flags = SWPROF_RANGE_GENERATED;
		return true;
	}
	known = bpf_map_lookup_elem(&code_files, &identity);
	if (known)
		use_code_file(range, known, file ? BPF_CORE_READ(mapping, vm_pgoff) << SWPROF_PAGE_BITS : 0);
	else
		range->module = SWPROF_MODULE_NOT_READY;
	return true;
}

#endif
