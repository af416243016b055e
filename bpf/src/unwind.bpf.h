/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk of a user stack: the one seam between samplers and unwinding. A sampler fills `walk->ip/sp/bp`, calls
 * walk_user_stack() and finds `frames[0..count)` from leaf to root and `end` saying how it ended.
 *
 * The step is a global function without pointer arguments: the verifier checks it once, not once for each frame.
 */
#ifndef SWPROF_UNWIND_BPF_H
#define SWPROF_UNWIND_BPF_H

#include "target.bpf.h"

/* One entry of a frame-pointer chain: the caller's frame pointer, and the address to return to. */
struct saved_frame {
	__u64 bp;
	__u64 ip;
};

struct walk {
	__u64 sp; /* lowest address that the next frame may have */
	__u64 bp;
	__u32 count;
	__u32 end; /* enum swprof_stack_end; NONE while the walk goes on */
};

/* A sample under construction. Kernel frames are appended behind the user frames, so the record has no holes. */
struct scratch {
	struct walk walk;
	struct swprof_sample sample;
	__u64 frames[SWPROF_USER_FRAMES_MAX + SWPROF_KERNEL_FRAMES_MAX + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *current_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/* A caller's frame lies above its callee's, and no frame is larger than this. */
#define FRAME_SIZE_MAX (1ULL << 23)

/* Moves to the caller. Returns 0 while there is one, 1 at the end of the walk. */
__attribute__((noinline)) int walk_step(void)
{
	struct scratch *scratch = current_scratch();
	struct saved_frame frame;
	__u32 count;

	if (!scratch)
		return 1;
	/* Zero ends a chain; with no frame before it, it is a value of the leaf's own. */
	if (scratch->walk.bp == 0) {
		scratch->walk.end = scratch->walk.count > 1 ? SWPROF_STACK_COMPLETE : SWPROF_STACK_BROKEN;
		return 1;
	}
	if (scratch->walk.bp < scratch->walk.sp || scratch->walk.bp - scratch->walk.sp > FRAME_SIZE_MAX ||
	    scratch->walk.bp & 7) {
		scratch->walk.end = SWPROF_STACK_BROKEN;
		return 1;
	}
	if (bpf_probe_read_user(&frame, sizeof(frame), (void *)scratch->walk.bp)) {
		scratch->walk.end = SWPROF_STACK_UNREADABLE;
		return 1;
	}
	if (frame.ip == 0) {
		scratch->walk.end = SWPROF_STACK_COMPLETE;
		return 1;
	}
	count = scratch->walk.count;
	if (count >= SWPROF_USER_FRAMES_MAX) {
		scratch->walk.end = SWPROF_STACK_TOO_DEEP;
		return 1;
	}
	scratch->frames[count] = frame.ip;
	scratch->walk.count = count + 1;
	scratch->walk.sp = scratch->walk.bp + sizeof(frame);
	scratch->walk.bp = frame.bp;
	return 0;
}

/* The loops are nested over a global function, so that the verifier follows 2 x 32 turns instead of 1024. */
#define STEPS_IN_A_ROW 32

/* Takes up to STEPS_IN_A_ROW steps. Returns 0 while there may be more, 1 at the end of the walk. */
__attribute__((noinline)) int walk_steps(void)
{
	for (int i = 0; i < STEPS_IN_A_ROW; i++)
		if (walk_step())
			return 1;
	return 0;
}

static __always_inline void walk_user_stack(struct scratch *scratch, __u64 ip, __u64 sp, __u64 bp)
{
	scratch->frames[0] = ip;
	scratch->walk.sp = sp;
	scratch->walk.bp = bp;
	scratch->walk.count = 1;
	scratch->walk.end = SWPROF_STACK_NONE;
	for (int i = 0; i < SWPROF_USER_FRAMES_MAX / STEPS_IN_A_ROW; i++)
		if (walk_steps())
			break;
	if (scratch->walk.end == SWPROF_STACK_NONE)
		scratch->walk.end = SWPROF_STACK_TOO_DEEP;
}

#endif
