/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks a user stack from its leaf to its root, from registers on: by unwind tables, by frame pointers where code has
 * no table, and by a guess where it has neither. platform.h lists what the walk needs.
 *
 * The step and its searches are global functions without pointer arguments: the kernel's verifier checks each once, not
 * once for each frame.
 */
#ifndef SWPROF_UNWIND_WALK_H
#define SWPROF_UNWIND_WALK_H

#include "search.h"

/* Moves to the caller. Returns STEP_*. */
__attribute__((noinline)) int walk_step(void)
{
	struct scratch *scratch = current_scratch();
	struct walk *walk;
	int step;

	if (!scratch)
		return STEP_LAST;
	walk = &scratch->walk;
	if (walk->scan != STEP_DONE)
		return walk->scan;
	walk->rule.frame_address = SWPROF_CFA_GAP;
	if (walks_by_tables()) {
		if (walk->range.module == SWPROF_MODULE_NOT_READY)
			return end_walk(walk, SWPROF_STACK_NOT_READY);
		if (walk->range.module != SWPROF_MODULE_NONE && look_up_rule(scratch, walk->address + walk->range.bias))
			return end_walk(walk, SWPROF_STACK_NOT_READY);
	}
	if (walk->rule.frame_address != SWPROF_CFA_GAP)
		step = step_by_rule(walk);
	else if (walk->flags & WALK_CHAINED)
		step = step_by_frame_pointer(walk);
	else
		return STEP_WITHOUT_TABLE;
	if (step == STEP_DONE)
		return finish_step(scratch, 0);
	/* Nobody called an entry. */
	return walk->flags & WALK_ENTRY ? end_walk(walk, SWPROF_STACK_COMPLETE) : step;
}

/* Whether a walk could not go on, other than for want of a table or of room. */
static __always_inline bool is_cut(__u32 end)
{
	return end == SWPROF_STACK_UNREADABLE || end == SWPROF_STACK_NO_FRAME_POINTER || end == SWPROF_STACK_UNMAPPED ||
	       end == SWPROF_STACK_UNSUPPORTED || end == SWPROF_STACK_CORRUPT;
}

/* Makes the leaf the frame at hand. */
static __always_inline void begin_walk(struct scratch *scratch)
{
	const struct swprof_user_regs *regs = &scratch->regs;
	struct walk *walk = &scratch->walk;

	arch_copy_registers(walk->registers, regs);
	walk->ip = arch_ip(regs);
	walk->sp = arch_sp(regs);
	walk->bp = arch_bp(regs);
	walk->flags = WALK_EXACT | WALK_HAS_BP | WALK_HAS_REGISTERS;
	walk->end = SWPROF_STACK_NONE;
	walk->range.end = 0;
	walk->hash = hash_frame(0, walk->ip);
	forget_reads(walk);
	walk->window_start = NO_WINDOW;
	__builtin_memset(walk->kept, 0, sizeof(walk->kept));
	walk->needs_registers = 0;
	walk->scan = STEP_DONE;
	walk->searches = 0;
	walk->search_bytes = 0;
	walk->search_lookups = 0;
	walk->doubts = 0;
	walk->last_flags = walk->flags;
	scratch->frames[0] = walk->ip;
	walk->count = 1;
	if (walk->keeps_frame_addresses)
		keep_frame_address(0, walk->sp);
}

/* Begins again where the walk has come to a rule that needs more registers than it has followed. Returns 0 when so. */
__attribute__((noinline)) int walk_again(void)
{
	struct scratch *scratch = current_scratch();

	if (!scratch || !scratch->walk.needs_registers || scratch->walk.follows_registers)
		return 1;
	scratch->walk.follows_registers = 1;
	begin_walk(scratch);
	return find_code(&scratch->walk);
}

/*
 * The loops are nested over a global function, so that the verifier follows 104 + 32 turns instead of 3328. They
 * stay loops: where each turn is a call of its own, the kernel looks for the deepest stack along each path (4 ms for
 * 1024).
 */
#define STEPS_IN_A_ROW 32
/* One for each frame, each look of a search and each word that it looks up. */
#define STEPS_MAX (SWPROF_USER_FRAMES_MAX + SEARCH_BYTES_MAX / 8 / SCAN_WORDS + SEARCH_LOOKUPS_MAX + 2 * STEPS_IN_A_ROW)

/* Takes up to STEPS_IN_A_ROW steps. Returns 0 while there may be more, 1 at the end of the walk. */
__attribute__((noinline)) int walk_steps(void)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < STEPS_IN_A_ROW; i++) {
		int step = walk_step();

		if (step == STEP_WITHOUT_TABLE)
			step = step_without_table();
		else if (step == STEP_NEARBY)
			step = look_nearby();
		if (step == STEP_BY_SEARCH)
			step = search_stack();
		if (step == STEP_LAST)
			return walk_again();
	}
	return 0;
}

/* Walks from `scratch->regs` to the end. */
static __always_inline void walk_from(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;

	walk->follows_registers = 0;
	begin_walk(scratch);
	if (walks_by_tables() && find_code(walk)) {
		walk->end = SWPROF_STACK_UNMAPPED;
		return;
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i < 2 * STEPS_MAX / STEPS_IN_A_ROW; i++)
		if (walk_steps())
			break;
	if (walk->end == SWPROF_STACK_NONE)
		walk->end = SWPROF_STACK_TOO_DEEP;
	if (is_cut(walk->end))
		end_at_entry();
	if (walk->end == SWPROF_STACK_COMPLETE && walk->doubts)
		walk->end = SWPROF_STACK_DOUBTED;
}

#endif
