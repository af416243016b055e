/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks stacks of 32-bit code, by frame pointers alone: i386 programs, and 64-bit programs that have jumped to such
 * code. Words have 4 bytes.
 *
 * A stack is whole only if no frame can be missing: each return address follows a call, the chain ends in zero as
 * _start leaves it, and the leaf has a frame of its own. All other stacks end in SWPROF_STACK_COMPAT.
 */
#ifndef SWPROF_UNWIND_COMPAT_H
#define SWPROF_UNWIND_COMPAT_H

#include "walk.h"

#ifndef ARCH_HAS_COMPAT_WALK
#error "no walk of 32-bit code for this machine"
#endif

/* Above the flags of a walk. */
enum {
	COMPAT_MAY_MISS = 256, /* a caller may be missing behind the leaf */
	COMPAT_UNCHECKED = 512, /* the function at hand may have no frame of its own */
};

/* How far below an address its function may begin, and how many words of its frame are looked at. */
#define COMPAT_FUNCTION_MAX (1U << 16)
#define COMPAT_WINDOW_WORDS 64

/* What call_before() and judge_word() return beside a place of the code: none has such numbers in its upper half. */
#define COMPAT_NOTHING 0ULL
#define COMPAT_UNKNOWN 1ULL

struct compat_frame {
	__u32 bp;
	__u32 ip;
};

/* struct sigcontext_32, from `di` on (arch/x86/include/uapi/asm/sigcontext.h). */
struct compat_signal_registers {
	__u32 di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip, cs;
};
/* Where `di` is, from the stack pointer behind the return from a handler on: the signal's number, four segments. */
#define COMPAT_SIGNAL_REGISTERS 20
/* With SA_SIGINFO: the pointer to the ucontext, and where `di` is in that. */
#define COMPAT_UCONTEXT 8
#define COMPAT_UCONTEXT_REGISTERS 36

static __always_inline bool is_in_code(struct walk *walk, __u32 address)
{
	if (!walks_by_tables())
		return true;
	return (address >= walk->range.start && address < walk->range.end) || !find_range(address) ||
	       !find_new_range(address);
}

/*
 * The call that an address follows: COMPAT_NOTHING where it follows none, COMPAT_UNKNOWN where it follows one through a
 * register or memory, else the address that is called, in the upper half.
 */
static __always_inline __u64 find_call(__u32 address)
{
	__u64 code;
	int end;

	if (address < sizeof(code) || read_user(&code, sizeof(code), address - (__u32)sizeof(code)))
		return COMPAT_NOTHING;
	/* call rel32 */
	if ((code >> 24 & 0xff) == 0xe8)
		return (__u64)(__u32)(address + (__u32)(code >> 32)) << 32;
	/* call r/m32, of 2, 3, 4, 6 or 7 bytes: the second one has 2 in bits 3 to 5 */
	for (end = 8; end <= 48; end += 8)
		if (end != 32 && (code >> (64 - 8 - end) & 0xff) == 0xff && (code >> (64 - end) & 0x38) == 0x10)
			return COMPAT_UNKNOWN;
	return COMPAT_NOTHING;
}

__attribute__((noinline)) __u64 call_before(__u32 address)
{
	return find_call(address);
}

/*
 * What a word of the stack is, below a frame that was made by the function at `function`: COMPAT_NOTHING where it does
 * not lead back there, else COMPAT_UNKNOWN, or the start of the function that it has called where the code at `ip` must
 * be that one's, in the upper half, and the word's place.
 */
__attribute__((noinline)) __u64 judge_word(__u32 place, __u32 function, __u32 ip)
{
	__u64 call, callee;
	__u32 word;

	if (read_user(&word, sizeof(word), place) || word <= function || word - function > COMPAT_FUNCTION_MAX)
		return COMPAT_NOTHING;
	call = find_call(word);
	if (call <= COMPAT_UNKNOWN)
		return call;
	callee = call >> 32;
	if (callee <= ip && ip - callee <= COMPAT_FUNCTION_MAX && (callee > function || function > ip))
		return call | place;
	return COMPAT_UNKNOWN;
}

/* The best result of judge_word() for the words below `walk->bp`: that of the function that begins last. */
__attribute__((noinline)) __u64 judge_words(__u32 place, __u32 function, __u32 ip)
{
	struct scratch *scratch = current_scratch();
	__u64 best = COMPAT_NOTHING, found;
	__u32 end;

	if (!scratch)
		return COMPAT_UNKNOWN;
	end = scratch->walk.bp;
#pragma clang loop unroll(disable)
	for (int i = 0; i < COMPAT_WINDOW_WORDS && place < end; i++, place += sizeof(__u32)) {
		found = judge_word(place, function, ip);
		if (found > best)
			best = found;
	}
	return best;
}

static __always_inline int add_compat_frame(struct scratch *scratch, bool is_exact)
{
	struct walk *walk = &scratch->walk;
	__u32 count = walk->count;

	if (count >= SWPROF_USER_FRAMES_MAX)
		return end_walk(walk, SWPROF_STACK_TOO_DEEP);
	scratch->frames[count] = is_exact ? walk->ip + 1 : walk->ip;
	walk->hash = hash_frame(walk->hash, walk->ip);
	walk->count = count + 1;
	return 0;
}

/*
 * The place of a leaf's return address, if its instruction tells: before the frame is set up, after it is gone, or in
 * the vDSO's function that system calls return to. 0: unknown. Sets the caller's frame pointer.
 */
static __always_inline __u32 place_by_instruction(struct walk *walk)
{
	__u32 sp = walk->sp, bp;
	__u64 code;

	if (read_user(&code, sizeof(code), walk->ip))
		return 0;
	/* endbr32 */
	if ((__u32)code == 0xfb1e0ff3)
		code >>= 32;
	/* push %ebp; ret; ret imm16; rep ret */
	if ((code & 0xff) == 0x55 || (code & 0xff) == 0xc3 || (code & 0xff) == 0xc2 || (code & 0xffff) == 0xc3f3)
		return sp;
	/* mov %esp,%ebp */
	if ((code & 0xffff) == 0xe589 || (code & 0xffff) == 0xec8b) {
		if (read_user(&bp, sizeof(bp), sp))
			return 0;
		walk->bp = bp;
		return sp + sizeof(bp);
	}
	/* pop %ebp; pop %edx; pop %ecx; ret: the kernel has taken ebp from there itself (do_fast_syscall_32()) */
	if ((__u32)code == 0xc3595a5d)
		return sp + 3 * sizeof(bp);
	return 0;
}

/* Steps to the caller whose return address is at a place of the stack. */
static __always_inline int return_to(struct scratch *scratch, __u32 place)
{
	struct walk *walk = &scratch->walk;
	__u32 word;

	if (read_user(&word, sizeof(word), place) || !is_in_code(walk, word - 1) ||
	    call_before(word) == COMPAT_NOTHING) {
		walk->flags |= COMPAT_MAY_MISS;
		return 0;
	}
	walk->flags |= COMPAT_UNCHECKED;
	walk->ip = word;
	walk->sp = place + sizeof(word);
	return add_compat_frame(scratch, false);
}

/*
 * Steps from a function without a frame of its own to its caller, if one is found; else stays.
 *
 * The call before the frame's return address names the function that owns the frame at ebp. The frame belongs to the
 * code at hand if that code lies behind the start of the function, and if no word of the stack leads back to it from a
 * function between the two.
 */
static __always_inline int check_frame(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
	__u32 place = walk->flags & WALK_EXACT ? place_by_instruction(walk) : 0;
	__u32 ip = walk->ip, bp = walk->bp, function;
	struct compat_frame frame;
	__u64 found;

	walk->flags &= ~(WALK_EXACT | COMPAT_UNCHECKED);
	if (place)
		return return_to(scratch, place);
	if (bp < walk->sp || bp - walk->sp > COMPAT_WINDOW_WORDS * sizeof(frame.ip) ||
	    read_user(&frame, sizeof(frame), bp)) {
		walk->flags |= COMPAT_MAY_MISS;
		return 0;
	}
	function = call_before(frame.ip) >> 32;
	found = function ? judge_words(walk->sp, function, ip) : COMPAT_UNKNOWN;
	if (found > COMPAT_UNKNOWN)
		return return_to(scratch, found);
	if (found == COMPAT_UNKNOWN || function > ip || ip - function > COMPAT_FUNCTION_MAX)
		walk->flags |= COMPAT_MAY_MISS;
	return 0;
}

/* Whether a frame returns to code that ends a signal handler; then moves to what the signal interrupted. */
static __always_inline bool step_over_compat_signal(struct scratch *scratch)
{
	struct compat_signal_registers saved;
	struct walk *walk = &scratch->walk;
	__u32 place = walk->sp + COMPAT_SIGNAL_REGISTERS;
	__u64 code;

	if (read_user(&code, sizeof(code), walk->ip))
		return false;
	/* mov $__NR_rt_sigreturn,%eax; int $0x80; or pop %eax; mov $__NR_sigreturn,%eax; int $0x80 */
	if ((code & 0xffffffffffffff) == 0x80cd000000adb8) {
		if (read_user(&place, sizeof(place), walk->sp + COMPAT_UCONTEXT))
			return false;
		place += COMPAT_UCONTEXT_REGISTERS;
	} else if (code != 0x80cd00000077b858) {
		return false;
	}
	if (read_user(&saved, sizeof(saved), place) || (saved.cs & 0xffff) != ARCH_COMPAT_SEGMENT ||
	    !is_in_code(walk, saved.ip))
		return false;
	if (add_compat_frame(scratch, true))
		return true;
	walk->ip = saved.ip;
	walk->sp = saved.sp;
	walk->bp = saved.bp;
	walk->flags |= WALK_EXACT | COMPAT_UNCHECKED;
	add_compat_frame(scratch, true);
	return true;
}

/* Steps to the caller by the chain of frame pointers. */
static __always_inline int step_by_compat_frame(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
	struct compat_frame frame;
	__u32 bp = walk->bp, sp = walk->sp;

	if (bp == 0 && walk->count > 1)
		return end_walk(walk, walk->flags & COMPAT_MAY_MISS || is_wide_process() ? SWPROF_STACK_COMPAT
											 : SWPROF_STACK_COMPAT_WHOLE);
	if (bp < sp || bp - sp > FRAME_SIZE_MAX || bp & 3)
		return end_walk(walk, SWPROF_STACK_COMPAT);
	if (read_user(&frame, sizeof(frame), bp))
		return end_walk(walk, SWPROF_STACK_UNREADABLE);
	walk->ip = frame.ip;
	walk->sp = bp + sizeof(frame);
	walk->bp = frame.bp;
	if (!is_in_code(walk, frame.ip - 1))
		return end_walk(walk, SWPROF_STACK_COMPAT);
	if (call_before(frame.ip) != COMPAT_NOTHING)
		return add_compat_frame(scratch, false);
	if (step_over_compat_signal(scratch))
		return walk->end != SWPROF_STACK_NONE;
	return end_walk(walk, SWPROF_STACK_COMPAT);
}

/* Moves to the caller. Returns 0 while there is one, 1 at the end of the walk. */
__attribute__((noinline)) int compat_step(void)
{
	struct scratch *scratch = current_scratch();

	if (!scratch)
		return 1;
	return scratch->walk.flags & COMPAT_UNCHECKED ? check_frame(scratch) : step_by_compat_frame(scratch);
}

/* As walk_steps(). */
__attribute__((noinline)) int compat_steps(void)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < STEPS_IN_A_ROW; i++)
		if (compat_step())
			return 1;
	return 0;
}

/* Walks the stack of 32-bit code: the counterpart of walk_user_stack(), which calls it. */
static __always_inline void walk_compat_stack(struct scratch *scratch)
{
	const struct swprof_user_regs *regs = &scratch->regs;
	struct walk *walk = &scratch->walk;

	walk->ip = (__u32)arch_ip(regs);
	walk->sp = (__u32)arch_sp(regs);
	walk->bp = (__u32)arch_bp(regs);
	walk->flags = WALK_EXACT | COMPAT_UNCHECKED;
	walk->end = SWPROF_STACK_NONE;
	walk->range.start = 0;
	walk->range.end = 0;
	walk->hash = hash_frame(0, walk->ip);
	forget_reads(walk);
	/* Such stacks are not cached. */
	keep_no_reads(walk);
	scratch->frames[0] = walk->ip;
	walk->count = 1;
	if (arch_has_local_segment(regs)) {
		/* The base of the segment is unknown, so its addresses mean nothing. */
		walk->count = 0;
		walk->end = SWPROF_STACK_COMPAT;
		return;
	}
	if (!is_in_code(walk, walk->ip)) {
		walk->end = SWPROF_STACK_UNMAPPED;
		return;
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i <= 2 * SWPROF_USER_FRAMES_MAX / STEPS_IN_A_ROW; i++)
		if (compat_steps())
			break;
	if (walk->end == SWPROF_STACK_NONE)
		walk->end = SWPROF_STACK_TOO_DEEP;
}

#endif
