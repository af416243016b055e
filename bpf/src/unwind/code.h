/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads machine code: whether an address follows a call, and whether a function sets up a frame pointer. */
#ifndef SWPROF_UNWIND_CODE_H
#define SWPROF_UNWIND_CODE_H

#include "platform.h"

/* Finds the call instruction before an address. Returns CALL_*. */
__attribute__((noinline)) int classify_call(__u64 address)
{
	struct scratch *scratch = current_scratch();
	__u8 *code, *target;

	if (!scratch)
		return CALL_NONE;
	code = scratch->walk.code;
	if (read_user(code, ARCH_CALL_BYTES + 1, address - ARCH_CALL_BYTES))
		return CALL_UNREADABLE;
	if (arch_is_direct_call(code)) {
		target = code + 2 * ARCH_CALL_BYTES;
		scratch->walk.call_target = arch_call_target(code, address);
		if (!read_user(target, ARCH_CALL_BYTES, scratch->walk.call_target) && arch_is_stub(target))
			return CALL_INDIRECT;
		return CALL_DIRECT;
	}
	if (arch_is_indirect_call(code))
		return CALL_INDIRECT;
	return arch_is_go_exit(code, address) ? CALL_ENTRY : CALL_NONE;
}

/* Finds whether an address, in whatever code of the process, follows a call. Returns CALL_*. */
static __always_inline int check_return(struct walk *walk, __u64 address)
{
	int kind = CALL_UNMAPPED;

	walk->return_flags = walk->range.flags;
	if (!walks_by_tables() || (address - 1 >= walk->range.start && address - 1 < walk->range.end))
		return classify_call(address);
	walk->kept_range = walk->range;
	if (!find_range(address - 1)) {
		kind = classify_call(address);
		walk->return_flags = walk->range.flags;
	}
	walk->range = walk->kept_range;
	return kind;
}

static __always_inline bool is_return(int call)
{
	return call == CALL_DIRECT || call == CALL_INDIRECT || call == CALL_ENTRY;
}

/* How much code is looked at in one function of the verifier's. */
#define CODE_PIECE 8

/* What a stretch of code does with the frame pointer. */
enum {
	FRAME_NONE = 0, /* none sets it up */
	FRAME_SET_UP = 1,
	FRAME_ENDED = 2, /* one did, and a function ended behind it */
};

/* Does the work of find_frame_setup() for CODE_PIECE bytes of `walk->code`, from `start` on. */
__attribute__((noinline)) int follow_frame_setup(__u32 start, int found)
{
	struct scratch *scratch = current_scratch();
	const __u8 *code;

	if (!scratch || start > CODE_BYTES - CODE_PIECE)
		return found;
	code = scratch->walk.code + start;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < CODE_PIECE; i++) {
		if (arch_sets_up_frame(code + i))
			found = FRAME_SET_UP;
		if (found && arch_is_padded_return(code + i))
			found = FRAME_ENDED;
	}
	return found;
}

/*
 * Looks for instructions that set up a frame pointer in the last CODE_BYTES bytes below `end`, and not below `start`.
 * Returns FRAME_*.
 */
__attribute__((noinline)) int find_frame_setup(__u64 start, __u64 end)
{
	struct scratch *scratch = current_scratch();
	int found = FRAME_NONE;
	struct walk *walk;
	__u64 size, from;

	if (!scratch || start >= end)
		return FRAME_NONE;
	walk = &scratch->walk;
	from = end - start > CODE_BYTES ? end - CODE_BYTES : start;
	size = end - from;
	/* Code behind the end has not been executed. */
	__builtin_memset(walk->code, 0, sizeof(walk->code));
	if (size > CODE_BYTES || read_user(walk->code, size, from))
		return FRAME_NONE;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < CODE_BYTES; i += CODE_PIECE)
		found = follow_frame_setup(i, found);
	return found;
}

/* How many pieces of CODE_BYTES has_frame_setup() looks at. */
#define SETUP_PIECES 16

/* Whether the function at hand has set up a frame pointer, as far as its code can be told from that before it. */
static __always_inline bool has_frame_setup(struct walk *walk)
{
	__u64 end = walk->ip;

#pragma clang loop unroll(disable)
	for (int i = 0; i < SETUP_PIECES; i++, end -= CODE_BYTES) {
		int found = find_frame_setup(end - CODE_BYTES, end);

		if (found != FRAME_NONE)
			return found == FRAME_SET_UP;
	}
	return false;
}

/* Whether the instruction at an address returns from a signal handler. */
static __always_inline bool is_signal_return(struct walk *walk, __u64 address)
{
	return !read_user(walk->code, 9, address) && arch_is_signal_return(walk->code);
}

/* How far ahead of an instruction find_prologue() looks. */
#define PROLOGUE_BYTES 24

/* Whether the function at hand is about to set up its frame pointer. */
__attribute__((noinline)) int find_prologue(void)
{
	struct scratch *scratch = current_scratch();
	const __u8 *code;

	if (!scratch)
		return 0;
	code = scratch->walk.code;
	if (read_user(scratch->walk.code, PROLOGUE_BYTES + 4, scratch->walk.ip))
		return 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < PROLOGUE_BYTES; i++) {
		if (arch_is_prologue(code + i))
			return 1;
		if (arch_may_end_function(code + i))
			return 0;
	}
	return 0;
}

/* Where an instruction that begins or ends a function has the return address, above the stack pointer; else -1. */
static __always_inline int return_offset(struct walk *walk)
{
	int offset;

	if (read_user(walk->code, 8, walk->ip))
		return -1;
	offset = arch_return_offset(walk->code);
	return offset < 0 && find_prologue() ? 0 : offset;
}

#endif
