/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the caller of code without an unwind table. Such code may have a frame pointer or none. A word of the stack is
 * a return address if a call instruction precedes it, and if that call leads to the code at hand.
 */
#ifndef SWPROF_UNWIND_CALLERS_H
#define SWPROF_UNWIND_CALLERS_H

#include "steps.h"

/* A function is not larger than this. */
#define FUNCTION_SIZE_MAX (1ULL << 18)
/* A leaf without a frame pointer has its return address within so many bytes of the stack. */
#define NEAR_BYTES 128
/* So much of it is saved registers, in code that was compiled to have frame pointers. */
#define PUSHED_BYTES 16
/* How far the searches of one stack go: further than what GHC's runtime leaves unused below its frames. */
#define SEARCH_BYTES_MAX (48 << 10)
/* How many words are looked at in one step. */
#define SCAN_WORDS 16
/* How far a search goes on for a better candidate than the first one. */
#define SEARCH_NEAR_BYTES 1024
/* How many words the searches of one stack look up as addresses of code. */
#define SEARCH_LOOKUPS_MAX 192
/* Callers are searched for this often at most in one stack. */
#define SEARCHES_MAX 24
/* Most functions are smaller than this. */
#define FUNCTION_SIZE_USUAL 4096

/* Whether a word of the stack may be an address of code, for a first look. */
static __always_inline bool may_be_code(struct walk *walk, __u64 word)
{
	return word > walk->lowest_code && word < walk->highest_code && word - walk->sp > FRAME_SIZE_MAX;
}

/* Whether a table has a rule for an address. */
static __always_inline bool has_rule(struct scratch *scratch, __u64 address)
{
	struct walk *walk = &scratch->walk;
	bool found = false;

	walk->kept_rule = walk->rule;
	walk->kept_range = walk->range;
	if (!find_range(address) && walk->range.module != SWPROF_MODULE_NONE)
		found = walk->range.module == SWPROF_MODULE_NOT_READY ||
			look_up_rule(scratch, address + walk->range.bias) || walk->rule.frame_address != SWPROF_CFA_GAP;
	walk->rule = walk->kept_rule;
	walk->range = walk->kept_range;
	return found;
}

/* Steps to a return address that was found on the stack. */
static __always_inline int take_caller(struct scratch *scratch, __u64 place, __u64 address, __u32 mark)
{
	struct walk *walk = &scratch->walk;

	keep_read(walk, place, address);
	walk->ip = address;
	walk->sp = place + sizeof(address);
	walk->flags &= ~(WALK_EXACT | WALK_HAS_REGISTERS | WALK_CHAINED | WALK_ENTRY | WALK_BY_RULE);
	walk->flags |= WALK_BP_DOUBTED;
	return finish_step(scratch, mark);
}

/* Whether a call of `target` may have led to the function that runs at `ip`. */
static __always_inline bool may_lead_to(__u64 target, __u64 ip)
{
	return target <= ip && ip - target < FUNCTION_SIZE_MAX;
}

/* Steps to the frame in `walk->chain`. */
static __always_inline int take_chain(struct scratch *scratch, __u32 mark)
{
	struct walk *walk = &scratch->walk;
	const struct saved_frame *frame = &walk->chain.frame;
	__u64 bp = walk->bp & ~FRAME_POINTER_MARK;

	keep_bp(walk);
	keep_bp_place(walk, bp);
	keep_read(walk, bp + sizeof(bp), frame->ip);
	walk->ip = frame->ip;
	walk->sp = bp + sizeof(*frame);
	walk->bp = frame->bp;
	walk->flags &= ~(WALK_EXACT | WALK_HAS_REGISTERS | WALK_BP_DOUBTED | WALK_ENTRY | WALK_BY_RULE);
	if (is_return(walk->chain.call))
		walk->flags |= WALK_CHAINED;
	if (mark == SWPROF_FRAME_DOUBTED)
		walk->doubts += 1;
	return finish_step(scratch, mark);
}

/* Reads the frame that bp points to, if bp is a frame pointer, into `walk->chain`. */
static __always_inline void follow_chain(struct walk *walk)
{
	struct chain *chain = &walk->chain;
	__u64 bp = walk->bp & ~FRAME_POINTER_MARK;

	chain->call = CALL_NONE;
	chain->target = 0;
	walk->search_end = SWPROF_STACK_NO_FRAME_POINTER;
	if (!(walk->flags & WALK_HAS_BP) || bp == 0 || bp & 7)
		return;
	if (read_pair(walk, &chain->frame, bp)) {
		if (has_frame_pointer(walk))
			walk->search_end = SWPROF_STACK_UNREADABLE;
		return;
	}
	chain->call = check_return(walk, chain->frame.ip);
	/* On another stack, nothing but a call makes it a frame. */
	if (!has_frame_pointer(walk) && !is_return(chain->call)) {
		chain->call = CALL_NONE;
		return;
	}
	if (chain->call == CALL_DIRECT && may_lead_to(walk->call_target, walk->ip))
		chain->target = walk->call_target;
	/* Interpreters that write their own code push return addresses without a call: HotSpot's does. */
	if (chain->call == CALL_NONE && has_frame_pointer(walk) && walk->return_flags & SWPROF_RANGE_GENERATED &&
	    (chain->frame.bp == 0 || chain->frame.bp > bp))
		chain->call = CALL_ENTRY;
	if (chain->call == CALL_UNMAPPED)
		walk->search_end = SWPROF_STACK_UNMAPPED;
}

/* Steps from a function without a table that has made a call. If it uses a frame pointer, that is set up by now. */
static __always_inline int step_from_caller(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;

	/* Nobody called what returns to here: it returns from a signal, or is the entry of a coroutine. */
	if (walk->flags & WALK_BY_RULE && classify_call(walk->ip) == CALL_NONE) {
		if (!is_signal_return(walk, walk->ip))
			return end_walk(walk, SWPROF_STACK_COMPLETE);
		return step_over_signal(walk) ? STEP_LAST : finish_step(scratch, 0);
	}
	follow_chain(walk);
	if (is_return(walk->chain.call) || walk->chain.call == CALL_UNREADABLE)
		return take_chain(scratch, 0);
	return STEP_BY_SEARCH;
}

/*
 * Steps from the first frame of code without a table. Its bp may be its own frame pointer, its caller's, or a number.
 * If the words of the stack have to decide, look_nearby() goes on.
 */
__attribute__((noinline)) int step_without_table(void)
{
	struct scratch *scratch = current_scratch();
	struct walk *walk;
	__u64 word;
	int offset;

	if (!scratch)
		return STEP_LAST;
	walk = &scratch->walk;
	if (walk->flags & WALK_ENTRY)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	find_code_bounds(walk);
	if (!(walk->flags & WALK_EXACT))
		return step_from_caller(scratch);
	offset = return_offset(walk);
	if (offset >= 0 && !peek_word(walk, &word, walk->sp + offset) && may_be_code(walk, word) &&
	    is_return(check_return(walk, word)))
		return take_caller(scratch, walk->sp + offset, word, 0);
	follow_chain(walk);
	__builtin_memset(&walk->near, 0, sizeof(walk->near));
	walk->scan_place = walk->sp;
	walk->scan_end = walk->sp + NEAR_BYTES;
	if (is_return(walk->chain.call) && has_frame_pointer(walk) &&
	    walk->scan_end > (walk->bp & ~FRAME_POINTER_MARK) + sizeof(word))
		walk->scan_end = (walk->bp & ~FRAME_POINTER_MARK) + sizeof(word);
	walk->scan = STEP_NEARBY;
	return STEP_DONE;
}

/* Moves on to the next word of the stack that may be an address of code. Returns 0 where the scan ends first. */
__attribute__((noinline)) __u64 scan_stack(void)
{
	struct scratch *scratch = current_scratch();
	struct walk *walk;
	__u64 word = 0;

	if (!scratch)
		return 0;
	walk = &scratch->walk;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SCAN_WORDS && walk->scan_place < walk->scan_end; i++) {
		if (peek_word(walk, &word, walk->scan_place)) {
			walk->scan_end = walk->scan_place;
			return 0;
		}
		walk->scan_place += sizeof(word);
		if (may_be_code(walk, word))
			return word;
	}
	return 0;
}

/* Steps to the caller that look_nearby() has found. */
static __always_inline int end_look_nearby(struct scratch *scratch, bool has_table)
{
	struct walk *walk = &scratch->walk;
	struct near_calls *near = &walk->near;
	__u32 guess = has_table ? SWPROF_FRAME_GUESSED : 0;

	walk->scan = STEP_DONE;
	/* Of two functions that begin below the instruction, it belongs to the one that begins later. */
	if (near->direct_place && near->target > walk->chain.target &&
	    find_frame_setup(near->target, walk->ip) == FRAME_NONE)
		return take_caller(scratch, near->direct_place, near->direct, guess);
	if (walk->chain.target)
		return take_chain(scratch, 0);
	if (is_return(walk->chain.call)) {
		if (!near->indirect_place || has_frame_setup(walk))
			return take_chain(scratch, 0);
		if (!has_table)
			return take_chain(scratch, SWPROF_FRAME_DOUBTED);
	}
	if (near->indirect_place)
		return take_caller(scratch, near->indirect_place, near->indirect, SWPROF_FRAME_GUESSED);
	if (near->direct_place)
		return take_caller(scratch, near->direct_place, near->direct, SWPROF_FRAME_GUESSED);
	return walk->chain.call == CALL_UNREADABLE ? take_chain(scratch, 0) : STEP_BY_SEARCH;
}

/*
 * Looks among the next words of the stack, below the frame that the frame pointer leads to, for return addresses: of
 * calls that the function at hand may be in without a frame of its own. One word each time.
 */
__attribute__((noinline)) int look_nearby(void)
{
	struct scratch *scratch = current_scratch();
	__u64 word, place, target;
	struct near_calls *near;
	struct walk *walk;
	bool has_table;
	int call;

	if (!scratch)
		return STEP_LAST;
	walk = &scratch->walk;
	near = &walk->near;
	/* Functions without a table in a file that has one are assembly. */
	has_table = walks_by_tables() && walk->range.module != SWPROF_MODULE_NONE;
	word = scan_stack();
	if (!word)
		return end_look_nearby(scratch, has_table);
	place = walk->scan_place - sizeof(word);
	call = check_return(walk, word);
	target = walk->call_target;
	if (call == CALL_DIRECT && may_lead_to(target, walk->ip) && target > near->target &&
	    !(has_table && has_rule(scratch, target))) {
		near->target = target;
		near->direct_place = place;
		near->direct = word;
	}
	/* Compiled code without a frame pointer of its own has pushed next to nothing, and what is compiled at run time
	 * nothing at all; what lies above may be left from earlier calls. */
	if (call == CALL_INDIRECT && !near->indirect_place &&
	    (has_table ? has_rule(scratch, word - 1)
		       : place - walk->sp <= (walk->range.flags & SWPROF_RANGE_GENERATED ? 0 : PUSHED_BYTES))) {
		near->indirect_place = place;
		near->indirect = word;
	}
	return STEP_DONE;
}

#endif
