/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Callers that no table tells. Code without a table may have a frame pointer or none: a return address is told from
 * other words by the call instruction before it, and by what that calls.
 */
#ifndef SWPROF_CALLERS_H
#define SWPROF_CALLERS_H

#include "steps.h"

/* A function is not larger than this. */
#define FUNCTION_SIZE_MAX (1ULL << 18)
/* A leaf without a frame pointer has its return address within so many bytes of the stack. */
#define NEAR_BYTES 128
/* So much of it is saved registers, in code that was compiled to have frame pointers. */
#define PUSHED_BYTES 16
/* How much code is looked at in one function of the verifier's. */
#define CODE_PIECE 8
/* How far the searches of one stack go: further than what GHC's runtime leaves unused below its frames. */
#define SEARCH_BYTES_MAX (48 << 10)
/* How many words are looked at in one step. */
#define SCAN_WORDS 16
/* As long as a search looks for a better candidate than the first one. */
#define SEARCH_NEAR_BYTES 1024
/* How many words the searches of one stack look up as addresses of code. */
#define SEARCH_LOOKUPS_MAX 192
/* Callers are searched for this often at most in one stack. */
#define SEARCHES_MAX 24
/* Most functions are smaller than this. */
#define FUNCTION_SIZE_USUAL 4096

static __always_inline __u32 code_word(const __u8 *code)
{
	return code[0] | code[1] << 8 | code[2] << 16 | (__u32)code[3] << 24;
}

/* Whether code is a stub: endbr64 or nothing, then a jump to another place. */
static __always_inline bool is_stub(const __u8 *code)
{
	bool has_mark = code_word(code) == 0xfa1e0ff3;
	__u8 first = has_mark ? code[4] : code[0], second = has_mark ? code[5] : code[1];

	/* bnd jmp, with its prefix. */
	if (first == 0xf2) {
		first = second;
		second = has_mark ? code[6] : code[2];
	}
	return (first == 0xff && second == 0x25) || first == 0xe9;
}

/*
 * Finds the call instruction before an address: the opcodes E8 and FF /2 with all their forms of operands (Intel SDM,
 * volume 2, CALL, and table 2-2). Returns CALL_*.
 */
__attribute__((noinline)) int classify_call(__u64 address)
{
	struct scratch *scratch = current_scratch();
	__u8 *code, *before;
	__u64 target;

	if (!scratch)
		return CALL_NONE;
	code = scratch->walk.code;
	if (read_user(code, 9, address - 8))
		return CALL_UNREADABLE;
	if (code[3] == 0xe8) {
		target = address + (__s32)code_word(code + 4);
		before = code + 16;
		scratch->walk.call_target = target;
		if (!read_user(before, 8, target) && is_stub(before))
			return CALL_INDIRECT;
		return CALL_DIRECT;
	}
	/* FF /2: by the length of what follows the opcode. */
	if ((code[6] == 0xff && ((code[7] & 0xf8) == 0xd0 || ((code[7] & 0xf8) == 0x10 && (code[7] & 6) != 4))) ||
	    (code[5] == 0xff && (((code[6] & 0xf8) == 0x50 && code[6] != 0x54) || code[6] == 0x14)) ||
	    (code[4] == 0xff && code[5] == 0x54) ||
	    (code[2] == 0xff && (code[3] == 0x15 || ((code[3] & 0xf8) == 0x90 && code[3] != 0x94))) ||
	    (code[1] == 0xff && (code[2] == 0x94 || (code[2] == 0x14 && (code[3] & 7) == 5))))
		return CALL_INDIRECT;
	/* runtime.goexit + 1: the function begins with a nop, and is aligned. */
	if (address % 16 == 1 && code[7] == 0x90 && code[8] == 0xe8)
		return CALL_ENTRY;
	return CALL_NONE;
}

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

/* How the instructions of a stretch of code treat the frame pointer. */
enum {
	FRAME_NONE = 0, /* none sets it up */
	FRAME_SET_UP = 1,
	FRAME_ENDED = 2, /* one did, and a function ended behind it */
};

/* Goes on with what find_frame_setup() does, in the code that it has read from `start` on. */
__attribute__((noinline)) int follow_frame_setup(__u32 start, int found)
{
	struct scratch *scratch = current_scratch();
	const __u8 *code;

	if (!scratch || start > CODE_BYTES - CODE_PIECE)
		return found;
	code = scratch->walk.code + start;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < CODE_PIECE; i++) {
		__u32 word = code_word(code + i), three = word & 0xffffff, padding = three >> 8;

		if (three == 0xe58948 || three == 0xec8b48 || word == 0x246c8d48 || word == 0x24ac8d48)
			found = FRAME_SET_UP;
		/* A return, and padding behind it. */
		if (found && (word & 0xff) == 0xc3 &&
		    (padding == 0xcccc || padding == 0x9090 || padding == 0x0f66 || padding == 0x1f0f ||
		     padding == 0x2e66 || padding == 0x6666 || padding == 0x9066))
			found = FRAME_ENDED;
	}
	return found;
}

/*
 * Looks for instructions that set up a frame pointer in the last CODE_BYTES bytes below `end`, and not below `start`:
 * mov %rsp,%rbp in both forms, and Go's lea n(%rsp),%rbp. Returns FRAME_*.
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
	/* What lies behind the end is not yet done. */
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

/* Whether the instruction at an address returns from a signal handler: mov $SYS_rt_sigreturn,%rax; syscall. */
static __always_inline bool is_signal_return(struct walk *walk, __u64 address)
{
	const __u8 *code = walk->code;

	if (read_user(walk->code, 9, address))
		return false;
	return (code_word(code) == 0x0fc0c748 && code_word(code + 4) == 0x0f000000 && code[8] == 0x05) ||
	       (code_word(code) == 0x00000fb8 && code[4] == 0x00 && code[5] == 0x0f && code[6] == 0x05);
}

/* Goes on at a return address that was found at a place of the stack. */
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

/* Goes on by the frame pointer, to where `walk->chain` leads. */
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

/* Looks where the frame pointer leads to, if it is one. */
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

/* The caller of a function without a table that has made a call: with frame pointers, its own is there by now. */
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

/* How far ahead of an instruction find_prologue() looks. */
#define PROLOGUE_BYTES 24

/* Whether the function at hand is about to set up its frame pointer, by push %rbp; mov %rsp,%rbp. */
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
		if (code_word(code + i) == 0xe5894855)
			return 1;
		/* The end of a function, or what lies between two. */
		if (code[i] == 0xc3 || code[i] == 0xc2 || code[i] == 0xcc)
			return 0;
	}
	return 0;
}

/* Where an instruction that begins or ends a function has the return address, above the stack pointer; else -1. */
static __always_inline int return_offset(struct walk *walk)
{
	__u32 word;

	if (read_user(walk->code, 8, walk->ip))
		return -1;
	word = code_word(walk->code);
	/* ret, ret n, rep ret */
	if ((word & 0xff) == 0xc3 || (word & 0xff) == 0xc2 || (word & 0xffff) == 0xc3f3)
		return 0;
	/* mov %rsp,%rbp, behind push %rbp */
	if ((word & 0xffffff) == 0xe58948)
		return 8;
	return find_prologue() ? 0 : -1;
}

/*
 * The caller of code without a table, at the first frame of such code: the frame pointer may be its own, or its
 * caller's, or a number. Where that takes a look at the words of the stack, look_nearby() goes on.
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

/* The caller by what look_nearby() has found. */
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

/* Ends a search with the best that it has found. */
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
 * Looks at a word of the stack as the return address of the function at hand: in `walk->near`, `direct` is that of a
 * call to this function, as far as that can be told, and `indirect` one that may have led there by other functions
 * without a table. Returns whether there is no need to look further.
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
		/* The function has a rule, if one that could not be followed. */
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
 * A frame whose return address follows no call was not called: somebody put it onto the stack, as the entry of a
 * coroutine. A walk that a table led there, and that could not go on, is whole.
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
