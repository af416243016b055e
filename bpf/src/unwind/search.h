/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Searches the stack for a caller if neither a table nor a frame pointer leads to one. */
#ifndef SWPROF_UNWIND_SEARCH_H
#define SWPROF_UNWIND_SEARCH_H

#include "callers.h"

/* Begins a search of the stack for a return address. Returns STEP_DONE when there may be one. */
static __always_inline int begin_search(struct walk *walk)
{
	if (!walks_by_tables() || walk->searches >= SEARCHES_MAX)
		return end_walk(walk, walk->search_end);
	keep_no_reads(walk);
	find_code_bounds(walk);
	walk->searches += 1;
	walk->scan = STEP_BY_SEARCH;
	walk->scan_place = walk->sp;
	walk->scan_end = walk->sp + SEARCH_BYTES_MAX;
	walk->search_saves_bp = walk->rule.frame_address == SWPROF_CFA_BP &&
				walk->rule.frame_pointer == SWPROF_BP_AT_CFA && walk->rule.bp_offset == -16;
	__builtin_memset(&walk->near, 0, sizeof(walk->near));
	return STEP_DONE;
}

/* Ends a search with the best candidate. */
static __always_inline int end_search(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
	__u64 place = walk->near.direct_place, word = walk->near.direct;

	walk->scan = STEP_DONE;
	if (!place) {
		place = walk->near.indirect_place;
		word = walk->near.indirect;
	}
	if (place) {
		/* The function keeps its caller's rbp below the return address. What leads on from there is checked. */
		if (walk->search_saves_bp && !peek_word(walk, &walk->bp, place - sizeof(word)))
			walk->flags |= WALK_HAS_BP;
		return take_caller(scratch, place, word, SWPROF_FRAME_GUESSED);
	}
	/* rbp is 0 in the outermost frame (System V ABI, AMD64 supplement, 3.4.1). By chance it is in others, but
	 * those have callers. */
	if (walk->search_end == SWPROF_STACK_NO_FRAME_POINTER && !(walk->flags & WALK_EXACT) &&
	    walk->flags & WALK_HAS_BP && walk->bp == 0)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	return end_walk(walk, walk->search_end);
}

/*
 * Judges a word of the stack as a return address of the function at hand. In `walk->near`, `direct` follows a call to
 * this function, as far as that can be told. `indirect` follows a call that may have led here through other functions
 * without a table. Returns whether the search is done.
 */
static __always_inline bool is_found(struct scratch *scratch, __u64 place, __u64 word)
{
	struct walk *walk = &scratch->walk;
	struct near_calls *near = &walk->near;
	bool is_gap = walk->rule.frame_address == SWPROF_CFA_GAP;
	int call = check_return(walk, word);
	__u64 target = walk->call_target;
	bool has_table;

	if (!is_return(call))
		return false;
	has_table = has_rule(scratch, word - 1);
	if (call == CALL_DIRECT && !is_gap) {
		/* The function has a rule, although the walk could not follow it. */
		if (!has_table || !may_lead_to(target, walk->ip))
			return false;
	} else if (call == CALL_DIRECT) {
		/* Code without a table is not in a function that has one. */
		if (has_rule(scratch, target))
			return false;
		if (target <= walk->ip && walk->ip - target < FUNCTION_SIZE_USUAL) {
			if (target > near->target) {
				near->target = target;
				near->direct_place = place;
				near->direct = word;
			}
			return false;
		}
	}
	if (!has_table || near->indirect_place)
		return false;
	near->indirect_place = place;
	near->indirect = word;
	return call != CALL_DIRECT || !is_gap;
}

/* Looks for the caller among the words of the stack. One word, or one window of them, each time. Returns STEP_*. */
__attribute__((noinline)) int search_stack(void)
{
	struct scratch *scratch = current_scratch();
	struct walk *walk;
	__u64 start, word;

	if (!scratch)
		return STEP_LAST;
	walk = &scratch->walk;
	if (walk->scan != STEP_BY_SEARCH && begin_search(walk))
		return STEP_LAST;
	start = walk->scan_place;
	word = scan_stack();
	walk->search_bytes += walk->scan_place - start;
	if (word &&
	    (++walk->search_lookups > SEARCH_LOOKUPS_MAX || is_found(scratch, walk->scan_place - sizeof(word), word)))
		return end_search(scratch);
	if (walk->scan_place >= walk->scan_end || walk->search_bytes > SEARCH_BYTES_MAX ||
	    (walk->scan_place - walk->sp > SEARCH_NEAR_BYTES && (walk->near.direct_place || walk->near.indirect_place)))
		return end_search(scratch);
	return STEP_DONE;
}

/*
 * Ends a walk at the entry of a coroutine. Its address was put onto the stack by hand, so it follows no call. A walk
 * that reached it by a table and cannot go on is whole.
 */
__attribute__((noinline)) int end_at_entry(void)
{
	struct scratch *scratch = current_scratch();
	__u32 last;

	if (!scratch)
		return 0;
	last = scratch->walk.count - 1;
	if (last == 0 || last >= SWPROF_USER_FRAMES_MAX || scratch->walk.last_flags & WALK_EXACT ||
	    !(scratch->walk.last_flags & WALK_BY_RULE) || classify_call(scratch->frames[last]) != CALL_NONE)
		return 0;
	scratch->frames[last] += 1;
	scratch->walk.hash = hash_frame(scratch->walk.hash, SWPROF_STACK_COMPLETE);
	return end_walk(&scratch->walk, SWPROF_STACK_COMPLETE);
}

#endif
