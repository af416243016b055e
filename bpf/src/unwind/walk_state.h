/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of a walk. */
#ifndef SWPROF_UNWIND_WALK_STATE_H
#define SWPROF_UNWIND_WALK_STATE_H

#include "abi/stacks.h"
#include "abi/tables.h"
#include "../arch/arch.h"
#include "../plain_c.h"

/* One entry of a frame-pointer chain: the caller's frame pointer, and the address to return to. */
struct saved_frame {
	__u64 bp;
	__u64 ip;
};

enum {
	WALK_EXACT = 1, /* ip is the next instruction, not the one behind a call */
	WALK_HAS_BP = 2,
	WALK_HAS_REGISTERS = 4, /* all registers of this frame are known */
	WALK_CHAINED = 8, /* bp is of a chain of frame pointers, which has led to an address behind a call */
	WALK_BP_DOUBTED = 16, /* code that no table describes may have changed bp */
	WALK_ENTRY = 32, /* ip was put onto the stack by hand; there may be no caller */
	WALK_BY_RULE = 64, /* a table's rule has led to this frame */
};

/* The result of a step. */
enum {
	STEP_DONE = 0, /* the caller is the frame at hand now */
	STEP_LAST = 1, /* the walk has ended */
	STEP_WITHOUT_TABLE = 2, /* step_without_table() finds the caller */
	STEP_BY_SEARCH = 3, /* search_stack() looks for it */
	STEP_NEARBY = 4, /* look_nearby() does */
};

/* Whether an address follows a call instruction. */
enum {
	CALL_NONE = 0, /* it does not */
	CALL_DIRECT = 1, /* a call of `walk->call_target` */
	CALL_INDIRECT = 2, /* by a register, a pointer or a stub */
	CALL_ENTRY = 3, /* none, but Go's runtime puts this address onto the stack by hand */
	CALL_UNREADABLE = 4, /* the code is not in memory */
	CALL_UNMAPPED = 5, /* there is no code */
};

/*
 * The words that a walk has read, and whether it has used bp. A walk from the same ip and sp gives the same stack while
 * these words and the tables are unchanged. Only recorded if the including file defines WALK_KEEPS_READS.
 */
#define WALK_READS_MAX 64

struct walk_reads {
	__u32 count; /* if above WALK_READS_MAX, not all words are here */
	__u32 uses_bp; /* 0 or 1: the walk has used the bp that it began with */
	/* The address from which walk->bp was read. Code may keep anything in bp, so the word counts once it is used.
	 * 0: the walk began with it. */
	__u64 bp_place;
	__u64 places[WALK_READS_MAX];
	__u64 values[WALK_READS_MAX];
};

/* How much of a stack is read at once: most frames lie side by side, and a read costs more than its bytes. */
#define WINDOW_WORDS 32
/* No place in user space is near it. */
#define NO_WINDOW (1ULL << 63)

/* How much code is read at once. */
#define CODE_BYTES 256

/* Places of a register's value that are no addresses. */
#define KEPT_IN_REGISTER 0
#define KEPT_NOWHERE 1

/* Return addresses among the next words of the stack, and where they are; 0: none was found. */
struct near_calls {
	__u64 target; /* of `direct` */
	__u64 direct_place; /* of a call to the function at hand */
	__u64 direct;
	__u64 indirect_place; /* of the first other call that may have led to it */
	__u64 indirect;
};

/* The frame that the frame pointer points to. */
struct chain {
	struct saved_frame frame;
	__u64 target; /* of a direct call there that may have led to the frame at hand; else 0 */
	__u32 call; /* CALL_*: what the address to return to follows; NONE where there is no chain */
	__u32 reserved;
};

struct walk {
	__u64 ip;
	__u64 sp;
	__u64 bp;
	__u32 flags;
	__u32 count;
	__u32 end; /* enum swprof_stack_end; NONE while the walk goes on */
	struct swprof_code_map map;
	__u64 address; /* in the code of the frame at hand */
	struct swprof_code_range range; /* that it lies in */
	struct swprof_unwind_rule kept_rule; /* while another address is looked up */
	struct swprof_code_range kept_range;
	__u64 rule_address; /* what find_rule() looks up: an ELF virtual address */
	struct swprof_unwind_rule rule; /* what it finds */
	/* What step_over_signal() reads: too much for the stack of a program in seven calls. */
	struct arch_signal_registers signal;
	/* By their DWARF numbers: of the leaf, or of the last frame that a signal interrupted. */
	__u64 registers[SWPROF_REGISTER_COUNT];
	__u32 follows_registers; /* 0 or 1: `kept` holds; it costs some ns a frame, and few stacks need it */
	__u32 needs_registers; /* 0 or 1: the walk has come to a rule that asks for it */
	/* Where rbx, r12, r13, r14 and r15 of the frame at hand are: an address, or KEPT_*. */
	__u64 kept[SWPROF_KEPT_REGISTERS];
	__u64 hash; /* of the frames */
	__u64 window_start; /* where `window` was read, or NO_WINDOW */
	__u64 window[WINDOW_WORDS];
	__u64 lowest_code; /* bounds of all code of the process, where a search needs them */
	__u64 highest_code;
	__u32 return_flags; /* of the range of the address that check_return() has looked at */
	__u32 keeps_frame_addresses; /* 0 or 1: keep_frame_address() is wanted */
	__u64 call_target; /* of the direct call that classify_call() has found */
	struct near_calls near;
	struct chain chain;
	__u64 scan_place; /* where a look at the words of the stack goes on */
	__u64 scan_end;
	__u32 scan; /* STEP_NEARBY or STEP_BY_SEARCH while one is under way; else STEP_DONE */
	__u32 searches;
	__u32 search_bytes; /* of the stack, that they have looked through */
	__u32 search_lookups; /* words that they have looked up as code */
	__u32 search_saves_bp; /* 0 or 1: below the return address it is after, the function keeps its caller's bp */
	__u32 search_end; /* how the walk ends if nothing is found */
	__u32 doubts; /* callers that may be missing */
	__u32 last_flags; /* of the last frame */
	__u8 code[CODE_BYTES + 8]; /* some code of the process */
#ifdef WALK_KEEPS_READS
	struct walk_reads reads;
#endif
};

#endif
