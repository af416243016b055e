/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copies what Python functions are called when they are seen first. Many processes end within some 10 ms, before user
 * space has read anything of them.
 */
#ifndef SWPROF_UNWIND_PYTHON_CODES_BPF_H
#define SWPROF_UNWIND_PYTHON_CODES_BPF_H

#include "kernel.bpf.h"

#define PYTHON_CODES_SIZE (512 * 1024)
/* User space is woken at this fill. */
#define PYTHON_CODES_WAKEUP (128 * 1024)

/* Of struct swprof_python_code. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PYTHON_CODES_SIZE);
} python_codes SEC(".maps");

/* A power of two. */
#define PYTHON_MARKS 65536

struct python_marks {
	__u32 marks[PYTHON_MARKS];
};

/*
 * Code objects that were seen lately, each at the place that its hash gives it. One that finds another one's mark, or
 * whose mark was replaced, counts as new.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct python_marks);
} python_marks SEC(".maps");

static __always_inline void note_python_code(struct python_walk *python, __u64 code, __u32 cookie)
{
	__u64 hash = ((code ^ (__u64)cookie << 32 ^ python->tgid) * 0x9e3779b97f4a7c15ULL) >> 16;
	__u32 zero = 0, mark = (__u32)(hash >> 16) | 1, *place;
	__u64 index = python->new_codes;
	struct python_marks *marks = bpf_map_lookup_elem(&python_marks, &zero);
	struct python_new_code *new_code;

	if (!marks)
		return;
	place = &marks->marks[hash & (PYTHON_MARKS - 1)];
	if (*place == mark)
		return;
	if (index >= PYTHON_NEW_CODES) {
		python->has_new_code = 1;
		return;
	}
	*place = mark;
	/* Without this the verifier of 6.1 sees no limit. */
	__asm__ volatile("" : "+r"(index));
	index &= PYTHON_NEW_CODES - 1;
	new_code = &python->new_code[index];
	new_code->code = code;
	new_code->cookie = cookie;
	python->new_codes = index + 1;
}

/*
 * Copies a block of memory, or what of it lies in its first page. Its size is a power of two. Returns how many bytes it
 * copied, 0 if none could be read.
 */
static __always_inline __u32 copy_python_block(void *to, __u32 size, __u64 from)
{
	__u64 rest = 4096 - (from & 4095);

	if (from < SWPROF_PYTHON_MARK_LIMIT)
		return 0;
	if (!read_user(to, size, from))
		return size;
	if (rest >= size)
		return 0;
	/* Without these two the verifier of 6.1 sees no limit. */
	__asm__ volatile("" : "+r"(rest));
	rest &= size - 1;
	return read_user(to, rest, from) ? 0 : rest;
}

/* A pointer in the head of a code object. */
static __always_inline __u64 python_head_word(const struct swprof_python_code *copy, __u32 offset)
{
	if (offset > SWPROF_PYTHON_HEAD_SIZE - sizeof(__u64))
		return 0;
	return *(const __u64 *)&copy->head_bytes[offset & ~7U];
}

/* Copies a code object that was seen in the last walk. Returns 0 if nothing of its name is missing. */
__attribute__((noinline)) int copy_python_code(__u32 index)
{
	struct python_walk *python = current_python();
	const struct python_new_code *new_code;
	struct swprof_python_code *copy;

	if (!python)
		return 1;
	new_code = &python->new_code[index & (PYTHON_NEW_CODES - 1)];
	copy = bpf_ringbuf_reserve(&python_codes, sizeof(*copy), 0);
	if (!copy)
		return 1;
	copy->time_ns = bpf_ktime_get_ns();
	copy->code = new_code->code;
	copy->tgid = python->tgid;
	copy->cookie = new_code->cookie;
	copy->edition = python->target.edition;
	if (read_user(copy->head_bytes, sizeof(copy->head_bytes), new_code->code)) {
		bpf_ringbuf_discard(copy, BPF_RB_NO_WAKEUP);
		return 1;
	}
	copy->name = python_head_word(copy, python->target.code_name);
	copy->file = python_head_word(copy, python->target.code_file);
	copy->lines = python_head_word(copy, python->target.code_lines);
	copy->name_size = copy_python_block(copy->name_bytes, sizeof(copy->name_bytes), copy->name);
	copy->file_size = copy_python_block(copy->file_bytes, sizeof(copy->file_bytes), copy->file);
	copy->lines_size = copy_python_block(copy->lines_bytes, sizeof(copy->lines_bytes), copy->lines);
	index = copy->name_size == sizeof(copy->name_bytes) && copy->file_size == sizeof(copy->file_bytes) ? 0 : 1;
	bpf_ringbuf_submit(copy, bpf_ringbuf_query(&python_codes, BPF_RB_AVAIL_DATA) >= PYTHON_CODES_WAKEUP
					 ? BPF_RB_FORCE_WAKEUP
					 : BPF_RB_NO_WAKEUP);
	return index;
}

/* Copies the code objects that the last walk saw first. User space is to read at once what was not copied whole. */
__attribute__((noinline)) int copy_python_codes(void)
{
	struct python_walk *python = current_python();

	if (!python)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PYTHON_NEW_CODES; i++) {
		if (i >= python->new_codes)
			break;
		if (!python->target.edition || copy_python_code(i))
			python->has_new_code = 1;
	}
	python->new_codes = 0;
	return 0;
}

#endif
