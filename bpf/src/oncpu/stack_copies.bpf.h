/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copies stacks that cannot be walked yet because an unwind table is not ready. The registers and the top of the stack
 * go with the sample, and user space walks them once it has the table. Without this, the first samples of each program
 * would lack frames.
 */
#ifndef SWPROF_ONCPU_STACK_COPIES_BPF_H
#define SWPROF_ONCPU_STACK_COPIES_BPF_H

#include "unwind/user_stacks.bpf.h"

/* Frames of a sample that has a copy; few, as its walk came to an end. With the Python side behind them. */
#define COPY_FRAMES_MAX (256 + SWPROF_PYTHON_WORDS_MAX)
/* Read at once: a read fails as a whole where the stack ends. */
#define COPY_STEP_WORDS 128

struct stack_copy {
	struct swprof_sample sample;
	__u64 words[COPY_FRAMES_MAX + SWPROF_COPY_REGISTERS + SWPROF_COPY_WORDS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_copy);
} stack_copies SEC(".maps");

/* Makes a sample with a copy of the stack of the one in the scratch buffer. Returns its bytes; 0: there is none. */
__attribute__((noinline)) __u32 copy_stack(void)
{
	struct scratch *scratch = current_scratch();
	__u32 zero = 0, frames, words = 0;
	struct stack_copy *copy;

	copy = bpf_map_lookup_elem(&stack_copies, &zero);
	if (!scratch || !copy)
		return 0;
	frames = scratch->sample.user_frames + scratch->sample.python_words + scratch->sample.kernel_frames;
	if (frames == 0 || frames > COPY_FRAMES_MAX ||
	    bpf_probe_read_kernel(copy->words, frames * sizeof(__u64), scratch->frames))
		return 0;
	_Static_assert(SWPROF_REGISTER_COUNT == SWPROF_COPY_REGISTERS, "layout");
	arch_copy_registers(&copy->words[frames], &scratch->regs);
#pragma clang loop unroll(disable)
	for (; words < SWPROF_COPY_WORDS_MAX; words += COPY_STEP_WORDS)
		if (bpf_probe_read_user(&copy->words[frames + SWPROF_COPY_REGISTERS + words],
					COPY_STEP_WORDS * sizeof(__u64),
					(void *)(arch_sp(&scratch->regs) + words * sizeof(__u64))))
			break;
	if (words == 0)
		return 0;
	copy->sample = scratch->sample;
	copy->sample.stack_words = words;
	return sizeof(copy->sample) + (frames + SWPROF_COPY_REGISTERS + words) * sizeof(__u64);
}

#endif
