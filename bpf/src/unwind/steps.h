/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Steps from a frame to its caller: by a rule of a table, by a confirmed chain of frame pointers, or over a signal. */
#ifndef SWPROF_UNWIND_STEPS_H
#define SWPROF_UNWIND_STEPS_H

#include "code.h"
#include "platform.h"
#include "stack_words.h"
#include "walk_reads.h"

static __always_inline __u64 hash_frame(__u64 hash, __u64 frame)
{
	/* The multiplier of SplitMix64. */
	hash = (hash ^ frame) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static __always_inline int end_walk(struct walk *walk, __u32 end)
{
	walk->end = end;
	return STEP_LAST;
}

/* A caller's frame lies above its callee's, and no frame is larger than this. */
#define FRAME_SIZE_MAX (1ULL << 23)
/* Swift marks the frame pointers of asynchronous functions by this bit. */
#define FRAME_POINTER_MARK (1ULL << 60)

/* Whether bp can point to a frame. */
static __always_inline bool has_frame_pointer(const struct walk *walk)
{
	__u64 bp = walk->bp & ~FRAME_POINTER_MARK;

	return walk->flags & WALK_HAS_BP && bp >= walk->sp && bp - walk->sp <= FRAME_SIZE_MAX && !(bp & 7);
}

/* Steps to the caller by a confirmed chain of frame pointers. */
static __always_inline int step_by_frame_pointer(struct walk *walk)
{
	__u64 bp = walk->bp & ~FRAME_POINTER_MARK;
	struct saved_frame frame;

	keep_bp(walk);
	if (bp == 0)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	if (!has_frame_pointer(walk))
		return end_walk(walk, SWPROF_STACK_NO_FRAME_POINTER);
	if (read_frame(walk, &frame, bp))
		return end_walk(walk, SWPROF_STACK_UNREADABLE);
	if (frame.ip == 0)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	walk->ip = frame.ip;
	walk->sp = bp + sizeof(frame);
	walk->bp = frame.bp;
	walk->flags &= ~(WALK_EXACT | WALK_HAS_REGISTERS);
	return STEP_DONE;
}

/* Steps to the frame that a signal interrupted. */
static __always_inline int step_over_signal(struct walk *walk)
{
	struct arch_signal_registers *saved = &walk->signal;

	keep_no_reads(walk);
	if (read_user(saved, sizeof(*saved), walk->sp + ARCH_SIGNAL_REGISTERS_OFFSET))
		return end_walk(walk, SWPROF_STACK_UNREADABLE);
	/* Its stack has words of another size. */
	if (arch_is_compat(saved))
		return end_walk(walk, SWPROF_STACK_COMPAT);
	arch_copy_registers(walk->registers, saved);
	walk->ip = arch_ip(saved);
	walk->sp = arch_sp(saved);
	walk->bp = arch_bp(saved);
	walk->flags = WALK_EXACT | WALK_HAS_BP | WALK_HAS_REGISTERS;
	__builtin_memset(walk->kept, 0, sizeof(walk->kept));
	return STEP_DONE;
}

/*
 * Reads the value of a register in the frame at hand. In a caller it is a guess: rules do not list every change.
 * Returns 0 if there is a value.
 */
static __always_inline int read_register(struct walk *walk, __u32 number, __u64 *value)
{
	__u64 place = KEPT_IN_REGISTER;
	__u32 kept;

	keep_no_reads(walk);
	if (!(walk->flags & WALK_HAS_REGISTERS))
		walk->needs_registers = 1;
	kept = arch_kept_index(number);
	/* Without this the compiler drops the comparison, and the verifier sees no bound. */
	__asm__ volatile("" : "+r"(kept));
	if (kept < SWPROF_KEPT_REGISTERS)
		place = walk->kept[kept];
	if (place == KEPT_IN_REGISTER) {
		*value = walk->registers[number & 15];
		return 0;
	}
	return place == KEPT_NOWHERE || read_user(value, sizeof(*value), place);
}

/* Records where a rule keeps the caller's registers. */
static __always_inline void keep_registers(struct walk *walk, __u32 kept, __u64 frame_address)
{
	__u32 places = kept == SWPROF_KEEPS_SOME ? walk->rule.addend : SWPROF_PLACES_LOST;

	for (int i = 0; i < SWPROF_KEPT_REGISTERS; i++) {
		__u32 place = places & SWPROF_PLACE_LOST;

		places >>= SWPROF_PLACE_BITS;
		if (place == SWPROF_PLACE_LOST)
			walk->kept[i] = KEPT_NOWHERE;
		else if (place != SWPROF_PLACE_SAME)
			walk->kept[i] = frame_address - 8 * (__u64)place;
	}
}

/* Restores the caller's bp. Returns 0 if it is known, or known to be lost. */
static __always_inline int restore_frame_pointer(struct walk *walk, __u64 frame_address)
{
	__u64 place = 0;

	switch (walk->rule.frame_pointer) {
	case SWPROF_BP_SAME:
		return 0;
	case SWPROF_BP_AT_CFA:
		place = frame_address + walk->rule.bp_offset;
		break;
	case SWPROF_BP_AT_SP:
		place = walk->sp + walk->rule.bp_offset;
		break;
	case SWPROF_BP_AT_BP:
		keep_bp(walk);
		if (walk->flags & WALK_HAS_BP)
			place = walk->bp + walk->rule.bp_offset;
		break;
	}
	if (place == 0) {
		walk->flags &= ~WALK_HAS_BP;
		return 0;
	}
	walk->flags = (walk->flags | WALK_HAS_BP) & ~WALK_BP_DOUBTED;
	keep_bp_place(walk, place);
	return peek_word(walk, &walk->bp, place);
}

/* Reads the return address by a rule. Returns 0 if it could be read. */
static __always_inline int read_return_address(struct walk *walk, __u64 frame_address, __u64 *ip)
{
	const struct swprof_unwind_rule *rule = &walk->rule;
	__u64 place = arch_return_place(frame_address);

	switch (rule->return_address) {
	case SWPROF_RA_REGISTER:
		keep_no_reads(walk);
		*ip = walk->registers[rule->reg & 15];
		return 0;
	case SWPROF_RA_AT_CFA:
		place = frame_address + rule->addend;
		break;
	}
	return read_word(walk, ip, place);
}

/* Finds the frame address by a rule. Returns STEP_DONE if it is known. */
static __always_inline int find_frame_address(struct walk *walk, __u64 *frame_address)
{
	const struct swprof_unwind_rule *rule = &walk->rule;
	__u64 place;

	switch (rule->frame_address) {
	case SWPROF_CFA_SP:
		*frame_address = walk->sp + rule->offset;
		return STEP_DONE;
	case SWPROF_CFA_BP:
		if (!(walk->flags & WALK_HAS_BP))
			return STEP_BY_SEARCH;
		keep_bp(walk);
		*frame_address = walk->bp + rule->offset;
		return STEP_DONE;
	case SWPROF_CFA_OUTERMOST:
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	case SWPROF_CFA_REGISTER:
		if (read_register(walk, rule->reg & 15, frame_address))
			return STEP_BY_SEARCH;
		*frame_address += rule->offset;
		return STEP_DONE;
	case SWPROF_CFA_AT_SP:
		place = walk->sp + rule->offset;
		break;
	case SWPROF_CFA_AT_BP:
		if (!(walk->flags & WALK_HAS_BP))
			return STEP_BY_SEARCH;
		keep_bp(walk);
		place = walk->bp + rule->offset;
		break;
	case SWPROF_CFA_AT_SP_INDEXED:
		if (read_register(walk, rule->reg & 15, &place))
			return STEP_BY_SEARCH;
		place = walk->sp + rule->offset + 8 * place;
		break;
	case SWPROF_CFA_LINKAGE_STUB:
		*frame_address = walk->sp + rule->offset + ((__s32)(walk->ip & 15) >= rule->addend ? 8 : 0);
		return STEP_DONE;
	default:
		return STEP_BY_SEARCH;
	}
	if (read_word(walk, frame_address, place))
		return end_walk(walk, SWPROF_STACK_UNREADABLE);
	*frame_address += rule->addend;
	return STEP_DONE;
}

/* Whether a rule uses a register whose value may have changed. */
static __always_inline bool is_uncertain(const struct walk *walk)
{
	switch (walk->rule.frame_address) {
	case SWPROF_CFA_REGISTER:
	case SWPROF_CFA_AT_SP_INDEXED:
		return !(walk->flags & WALK_HAS_REGISTERS);
	case SWPROF_CFA_BP:
	case SWPROF_CFA_AT_BP:
		return walk->flags & WALK_BP_DOUBTED;
	default:
		return false;
	}
}

/* Steps to the caller by a rule of a table. */
static __always_inline int step_by_rule(struct walk *walk)
{
	const struct swprof_unwind_rule *rule = &walk->rule;
	__u32 kept = rule->reg >> SWPROF_KEEPS_SHIFT;
	bool is_checked = is_uncertain(walk), is_elsewhere = false;
	int step, call = CALL_DIRECT;
	__u64 frame_address, ip;

	walk->search_end = SWPROF_STACK_UNSUPPORTED;
	if (rule->frame_address == SWPROF_CFA_SIGNAL_FRAME)
		return step_over_signal(walk);
	step = find_frame_address(walk, &frame_address);
	if (step != STEP_DONE)
		return step;
	if (rule->return_address == SWPROF_RA_REGISTER && !(walk->flags & WALK_HAS_REGISTERS))
		return STEP_BY_SEARCH;
	/* Only a leaf that has already popped its return address has the stack pointer of its caller. */
	if (frame_address < walk->sp || (frame_address == walk->sp && !(walk->flags & WALK_EXACT))) {
		if (is_checked)
			return STEP_BY_SEARCH;
		/* A frame address that does not depend on the stack pointer may be on another stack. */
		if (rule->frame_address == SWPROF_CFA_SP || rule->frame_address == SWPROF_CFA_LINKAGE_STUB)
			return end_walk(walk, SWPROF_STACK_CORRUPT);
		is_elsewhere = true;
	}
	if (read_return_address(walk, frame_address, &ip))
		return is_checked ? STEP_BY_SEARCH : end_walk(walk, SWPROF_STACK_UNREADABLE);
	if (is_checked || is_elsewhere || walk->flags & WALK_ENTRY)
		call = check_return(walk, ip);
	if (!is_return(call) && !(walk->flags & WALK_ENTRY && call == CALL_UNREADABLE))
		return is_checked ? STEP_BY_SEARCH : end_walk(walk, SWPROF_STACK_CORRUPT);
	if (restore_frame_pointer(walk, frame_address))
		return end_walk(walk, SWPROF_STACK_UNREADABLE);
	if (ip == 0)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	if (kept != SWPROF_KEEPS_ALL && walk->follows_registers)
		keep_registers(walk, kept, frame_address);
	walk->ip = ip;
	walk->sp = frame_address;
	walk->flags &= ~(WALK_EXACT | WALK_HAS_REGISTERS | WALK_CHAINED | WALK_ENTRY);
	walk->flags |= WALK_BY_RULE;
	return STEP_DONE;
}

/* Moves `walk->range` to the published code of the frame at hand. Returns 0 when it lies in any. */
static __always_inline int find_published_code(struct walk *walk)
{
	/* A return address may lie behind the function that made the call. */
	__u64 address = walk->flags & WALK_EXACT ? walk->ip : walk->ip - 1;

	walk->address = address;
	return (address < walk->range.start || address >= walk->range.end) && find_range(address);
}

/* Moves `walk->range` to the code of the frame at hand, published or not. Returns 0 when it lies in any. */
static __always_inline int find_code(struct walk *walk)
{
	return find_published_code(walk) && find_new_range(walk->address);
}

/* Appends a frame or a mark. */
static __always_inline int add_frame(struct scratch *scratch, __u64 frame)
{
	struct walk *walk = &scratch->walk;
	__u32 count = walk->count;

	if (count >= SWPROF_USER_FRAMES_MAX)
		return end_walk(walk, SWPROF_STACK_TOO_DEEP);
	scratch->frames[count] = frame;
	walk->hash = hash_frame(walk->hash, frame);
	walk->count = count + 1;
	/* The frame, and one that a mark announces, begins where its callee's ends. */
	if (walk->keeps_frame_addresses)
		keep_frame_address(count, walk->sp);
	return STEP_DONE;
}

/* Appends the frame that a step has reached, behind a mark if that is not 0. */
static __always_inline int finish_step(struct scratch *scratch, __u32 mark)
{
	struct walk *walk = &scratch->walk;

	/* A function of a coroutine returns to the first instruction of another one, which nobody called. What has been
	 * called from is in memory; such an entry need not be. */
	if (walk->flags & WALK_BY_RULE && walk->ip % ARCH_FUNCTION_ALIGNMENT == 0) {
		int call = classify_call(walk->ip);

		if (call == CALL_NONE || call == CALL_UNREADABLE)
			walk->flags |= WALK_EXACT | WALK_ENTRY;
	}
	/* What lies in no code is no return address, and no frame; but a uretprobe may have put itself in its place. */
	if (walks_by_tables() && find_published_code(walk)) {
		restore_return(walk);
		if (find_code(walk))
			return end_walk(walk, SWPROF_STACK_UNMAPPED);
	}
	if (mark && add_frame(scratch, mark))
		return STEP_LAST;
	walk->last_flags = walk->flags;
	/* Callers are given by what a call would return to; a signal interrupts before an instruction, not behind one.
	 */
	return add_frame(scratch, walk->flags & WALK_EXACT ? walk->ip + 1 : walk->ip);
}

#endif
