/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk of a user stack: the one seam between samplers and unwinding. A sampler fills `walk->registers`, calls
 * walk_user_stack() and finds `frames[0..count)` from leaf to root and `end` saying how it ended.
 *
 * The step and its searches are global functions without pointer arguments: the verifier checks each once, not once for
 * each frame.
 */
#ifndef SWPROF_UNWIND_BPF_H
#define SWPROF_UNWIND_BPF_H

#include "tables.bpf.h"

/* One entry of a frame-pointer chain: the caller's frame pointer, and the address to return to. */
struct saved_frame {
	__u64 bp;
	__u64 ip;
};

/* The registers that x86-64 Linux puts on the stack for a signal handler (arch/x86/include/uapi/asm/sigcontext.h). */
struct signal_registers {
	__u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip;
};
/* Where they are, counted from rsp of the frame that returns from the handler: uc_mcontext in a struct ucontext. */
#define SIGNAL_REGISTERS_OFFSET 40

enum {
	WALK_EXACT = 1, /* ip is the next instruction, not the one behind a call */
	WALK_HAS_BP = 2,
	WALK_HAS_REGISTERS = 4, /* all registers of this frame are known */
};

/*
 * What a walk has read and gone by, besides the registers ip and sp that it began with: while these words hold, and the
 * tables do, it comes out the same. Only kept where the including file asks for it.
 */
#define WALK_READS_MAX 64

struct walk_reads {
	__u32 count; /* more than WALK_READS_MAX: not all are here */
	__u32 uses_bp; /* 0 or 1: it has gone by bp as it was at the beginning */
	/* Where walk->bp is from: code may have put anything into it, so that it counts from its first use on. 0: it
	 * was there at the beginning. */
	__u64 bp_place;
	__u64 places[WALK_READS_MAX];
	__u64 values[WALK_READS_MAX];
};

/* How much of a stack is read at once: most frames lie side by side, and a read costs more than its bytes. */
#define WINDOW_WORDS 32
/* No place in user space is near it. */
#define NO_WINDOW (1ULL << 63)

struct walk {
	__u64 ip;
	__u64 sp;
	__u64 bp;
	__u32 flags;
	__u32 count;
	__u32 end; /* enum swprof_stack_end; NONE while the walk goes on */
	__u32 tgid;
	struct swprof_code_map map;
	__u64 address; /* in the code of the frame at hand */
	struct swprof_code_range range; /* that it lies in */
	__u64 rule_address; /* what find_rule() looks up: an ELF virtual address */
	struct swprof_unwind_rule rule; /* what it finds */
	__u64 registers[16]; /* by their DWARF numbers */
	__u64 hash; /* of the frames */
	__u64 window_start; /* where `window` was read, or NO_WINDOW */
	__u64 window[WINDOW_WORDS];
#ifdef WALK_KEEPS_READS
	struct walk_reads reads;
#endif
};

/*
 * Rules found lately. Stacks of one program pass the same few hundred places again and again, and a module's lines
 * never change, so what was found once stays right.
 */
#define CACHED_RULES 256

struct cached_rule {
	__u64 address;
	__u32 module;
	struct swprof_unwind_rule rule;
	__u32 reserved;
};

/*
 * A record under construction: a sample, whose kernel frames are appended behind the user frames so that it has no
 * holes, or a stack.
 */
struct scratch {
	struct walk walk;
	struct swprof_user_regs regs; /* where a walk starts */
	union {
		struct swprof_sample sample;
		struct swprof_stack stack;
	};
	__u64 frames[SWPROF_USER_FRAMES_MAX + SWPROF_KERNEL_FRAMES_MAX + 1];
	struct cached_rule cache[CACHED_RULES];
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

static __always_inline __u64 hash_frame(__u64 hash, __u64 frame)
{
	/* The multiplier of SplitMix64. */
	hash = (hash ^ frame) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static __always_inline int end_walk(struct walk *walk, __u32 end)
{
	walk->end = end;
	return 1;
}

/* What a binary search has left: [low, high), in one number, so that a global function can return it. */
#define BOUNDS(low, high) ((__u64)(high) << 32 | (low))
#define LOW(bounds) ((__u32)(bounds))
#define HIGH(bounds) ((__u32)((bounds) >> 32))
/* Where a line could not be read. */
#define NO_BOUNDS (~0ULL)

/*
 * Halves the ranges among which is the first that starts above an address. Each step of a search is a global function:
 * the verifier follows the loop around it with unknown bounds, and not with all that they can be.
 */
__attribute__((noinline)) __u64 halve_ranges(__u64 bounds, __u32 first, __u64 address)
{
	__u32 middle = (LOW(bounds) + HIGH(bounds)) / 2;
	struct swprof_code_range *range = range_at(first, middle);

	if (!range)
		return NO_BOUNDS;
	return range->start <= address ? BOUNDS(middle + 1, HIGH(bounds)) : BOUNDS(LOW(bounds), middle);
}

/* Moves `walk->range` to the code range of an address. Returns 0 when there is one. */
__attribute__((noinline)) int find_range(__u64 address)
{
	struct scratch *scratch = current_scratch();
	struct swprof_code_range *range;
	__u64 bounds;
	__u32 first;

	if (!scratch)
		return 1;
	/* The last range that starts at or below the address. */
	first = scratch->walk.map.first;
	bounds = BOUNDS(0, scratch->walk.map.count);
	for (int i = 0; i < RANGE_STEPS && LOW(bounds) < HIGH(bounds); i++)
		bounds = halve_ranges(bounds, first, address);
	if (LOW(bounds) == 0 || bounds == NO_BOUNDS)
		return 1;
	range = range_at(first, LOW(bounds) - 1);
	if (!range || address >= range->end)
		return 1;
	scratch->walk.range = *range;
	return 0;
}

/* Halves the lines among which is the last whose first row is at or below a key; `high` is that line at most. */
__attribute__((noinline)) __u64 halve_lines(__u64 bounds, __u32 rows, __u32 key)
{
	__u32 middle = (LOW(bounds) + HIGH(bounds) + 1) / 2;
	struct swprof_line *line = line_at(rows + middle);

	if (!line)
		return NO_BOUNDS;
	return *(__u32 *)line <= key ? BOUNDS(middle, HIGH(bounds)) : BOUNDS(LOW(bounds), middle - 1);
}

/* Finds `walk->rule` for `walk->rule_address` in the module of `walk->range`. Returns 0 when the table could be read.
 */
__attribute__((noinline)) int find_rule(void)
{
	struct scratch *scratch = current_scratch();
	struct swprof_module *module;
	struct swprof_line *line;
	__u32 first, count, low, high, key, index, rows, rules;
	__u64 place, bounds;

	if (!scratch)
		return 1;
	module = (struct swprof_module *)line_at(scratch->walk.range.module);
	if (!module)
		return 1;
	scratch->walk.rule.frame_address = SWPROF_CFA_GAP;
	place = scratch->walk.rule_address - module->first_page;
	if (place >> SWPROF_PAGE_BITS >= module->page_count)
		return 0;
	rows = module->rows;
	rules = module->rules;
	index = place >> SWPROF_PAGE_BITS;
	line = line_at(module->pages + index / PAGES_PER_LINE);
	if (!line)
		return 1;
	first = ((struct swprof_unwind_page *)line)[index % PAGES_PER_LINE].first;
	count = ((struct swprof_unwind_page *)line)[index % PAGES_PER_LINE].count;
	key = (place & ((1 << SWPROF_PAGE_BITS) - 1)) << SWPROF_RULE_BITS | ((1 << SWPROF_RULE_BITS) - 1);

	/* The last line of the page's rows whose first row is at or below the key: lines are what a fetch costs. */
	low = first / ROWS_PER_LINE;
	high = count ? (first + count - 1) / ROWS_PER_LINE : low;
	bounds = BOUNDS(low, high);
	for (int i = 0; i < LINE_STEPS && LOW(bounds) < HIGH(bounds); i++)
		bounds = halve_lines(bounds, rows, key);
	low = LOW(bounds);
	line = bounds == NO_BOUNDS ? NULL : line_at(rows + low);
	if (!line)
		return 1;
	index = low * ROWS_PER_LINE;
	high = first + count < index + ROWS_PER_LINE ? first + count : index + ROWS_PER_LINE;
	low = first > index ? first : index;
	for (int i = 0; i < ROW_STEPS && low < high; i++) {
		__u32 middle = (low + high) / 2;

		if (((__u32 *)line)[middle % ROWS_PER_LINE] <= key)
			low = middle + 1;
		else
			high = middle;
	}
	low--;
	if (low / ROWS_PER_LINE != index / ROWS_PER_LINE) {
		line = line_at(rows + low / ROWS_PER_LINE);
		if (!line)
			return 1;
	}
	index = ((__u32 *)line)[low % ROWS_PER_LINE] & ((1 << SWPROF_RULE_BITS) - 1);
	line = line_at(rules + index / RULES_PER_LINE);
	if (!line)
		return 1;
	scratch->walk.rule = ((struct swprof_unwind_rule *)line)[index % RULES_PER_LINE];
	return 0;
}

/* Finds `walk->rule` for an address of the module of `walk->range`, in the cache where it is there. */
static __always_inline int look_up_rule(struct scratch *scratch, __u64 address)
{
	struct walk *walk = &scratch->walk;
	struct cached_rule *cached = &scratch->cache[(address ^ address >> 8 ^ walk->range.module) % CACHED_RULES];

	if (cached->address == address && cached->module == walk->range.module) {
		walk->rule = cached->rule;
		return 0;
	}
	walk->rule_address = address;
	if (find_rule())
		return 1;
	cached->address = address;
	cached->module = walk->range.module;
	cached->rule = walk->rule;
	return 0;
}

static __always_inline void forget_reads(struct walk *walk)
{
#ifdef WALK_KEEPS_READS
	walk->reads.count = 0;
	walk->reads.uses_bp = 0;
	walk->reads.bp_place = 0;
#endif
}

static __always_inline void keep_read(struct walk *walk, __u64 place, __u64 value)
{
#ifdef WALK_KEEPS_READS
	__u32 index = walk->reads.count & (WALK_READS_MAX - 1);

	walk->reads.places[index] = place;
	walk->reads.values[index] = value;
	walk->reads.count += 1;
#endif
}

/* Notes where walk->bp has been read from. */
static __always_inline void keep_bp_place(struct walk *walk, __u64 place)
{
#ifdef WALK_KEEPS_READS
	walk->reads.bp_place = place;
#endif
}

/* Notes that a walk goes by walk->bp. */
static __always_inline void keep_bp(struct walk *walk)
{
#ifdef WALK_KEEPS_READS
	if (walk->reads.bp_place)
		keep_read(walk, walk->reads.bp_place, walk->bp);
	else
		walk->reads.uses_bp = 1;
#endif
}

/* Notes that a walk goes by something that is not kept. */
static __always_inline void keep_no_reads(struct walk *walk)
{
#ifdef WALK_KEEPS_READS
	walk->reads.count += WALK_READS_MAX + 1;
#endif
}

/* Moves the window so that a word of a stack, and the one above it, are in it. Returns 0 when they could be read. */
static __always_inline int move_window(struct walk *walk, __u64 place)
{
	__u64 offset = place - walk->window_start;

	if (offset <= sizeof(walk->window) - 2 * sizeof(__u64) && offset % sizeof(__u64) == 0)
		return 0;
	walk->window_start = place;
	if (!bpf_probe_read_user(walk->window, sizeof(walk->window), (void *)place))
		return 0;
	walk->window_start = NO_WINDOW;
	return 1;
}

static __always_inline __u64 word_in_window(const struct walk *walk, __u64 place)
{
	return walk->window[(place - walk->window_start) / sizeof(__u64) % WINDOW_WORDS];
}

/* Reads a word of a stack, for once. Returns 0 when it could be read. */
static __always_inline int peek_word(struct walk *walk, __u64 *word, __u64 place)
{
	if (move_window(walk, place))
		/* What lies above may not be there. */
		return bpf_probe_read_user(word, sizeof(*word), (void *)place) != 0;
	*word = word_in_window(walk, place);
	return 0;
}

/* Reads a word of a stack. Returns 0 when it could be read. */
static __always_inline int read_word(struct walk *walk, __u64 *word, __u64 place)
{
	if (peek_word(walk, word, place))
		return 1;
	keep_read(walk, place, *word);
	return 0;
}

/* Reads what lies side by side where the usual prologue has saved it. Returns 0 when it could be read. */
static __always_inline int read_frame(struct walk *walk, struct saved_frame *frame, __u64 place)
{
	if (!move_window(walk, place)) {
		frame->bp = word_in_window(walk, place);
		frame->ip = word_in_window(walk, place + sizeof(frame->bp));
	} else if (bpf_probe_read_user(frame, sizeof(*frame), (void *)place)) {
		return 1;
	}
	keep_bp_place(walk, place);
	keep_read(walk, place + sizeof(frame->bp), frame->ip);
	return 0;
}

/* A caller's frame lies above its callee's, and no frame is larger than this. */
#define FRAME_SIZE_MAX (1ULL << 23)
/* Swift marks the frame pointers of asynchronous functions by this bit. */
#define FRAME_POINTER_MARK (1ULL << 60)

/* The caller by the frame-pointer chain: for code that has no table. */
static __always_inline int step_by_frame_pointer(struct walk *walk)
{
	__u64 bp = walk->bp & ~FRAME_POINTER_MARK;
	struct saved_frame frame;

	keep_bp(walk);
	/* Zero ends a chain; with no frame before it, it is a value of the leaf's own. */
	if (walk->flags & WALK_HAS_BP && bp == 0 && walk->count > 1)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	if (!(walk->flags & WALK_HAS_BP) || bp < walk->sp || bp - walk->sp > FRAME_SIZE_MAX || bp & 7)
		return end_walk(walk, SWPROF_STACK_NO_FRAME_POINTER);
	if (read_frame(walk, &frame, bp))
		return end_walk(walk, SWPROF_STACK_UNREADABLE);
	if (frame.ip == 0)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	walk->ip = frame.ip;
	walk->sp = bp + sizeof(frame);
	walk->bp = frame.bp;
	walk->flags &= ~(WALK_EXACT | WALK_HAS_REGISTERS);
	return 0;
}

/* The frame that a signal interrupted. */
static __always_inline int step_over_signal(struct walk *walk)
{
	struct signal_registers saved;

	keep_no_reads(walk);
	if (bpf_probe_read_user(&saved, sizeof(saved), (void *)(walk->sp + SIGNAL_REGISTERS_OFFSET)))
		return end_walk(walk, SWPROF_STACK_UNREADABLE);
	walk->registers[0] = saved.ax;
	walk->registers[1] = saved.dx;
	walk->registers[2] = saved.cx;
	walk->registers[3] = saved.bx;
	walk->registers[4] = saved.si;
	walk->registers[5] = saved.di;
	walk->registers[6] = saved.bp;
	walk->registers[7] = saved.sp;
	walk->registers[8] = saved.r8;
	walk->registers[9] = saved.r9;
	walk->registers[10] = saved.r10;
	walk->registers[11] = saved.r11;
	walk->registers[12] = saved.r12;
	walk->registers[13] = saved.r13;
	walk->registers[14] = saved.r14;
	walk->registers[15] = saved.r15;
	walk->ip = saved.ip;
	walk->sp = saved.sp;
	walk->bp = saved.bp;
	walk->flags |= WALK_EXACT | WALK_HAS_BP | WALK_HAS_REGISTERS;
	return 0;
}

/* The caller's rbp. Returns 0 when it is known or known to be lost. */
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
	walk->flags |= WALK_HAS_BP;
	keep_bp_place(walk, place);
	return peek_word(walk, &walk->bp, place);
}

/* The caller by a rule of a table. */
static __always_inline int step_by_rule(struct walk *walk)
{
	struct swprof_unwind_rule *rule = &walk->rule;
	__u64 place, frame_address, ip;

	switch (rule->frame_address) {
	case SWPROF_CFA_SP:
		frame_address = walk->sp + rule->offset;
		break;
	case SWPROF_CFA_BP:
		if (!(walk->flags & WALK_HAS_BP))
			return end_walk(walk, SWPROF_STACK_UNSUPPORTED);
		keep_bp(walk);
		frame_address = walk->bp + rule->offset;
		break;
	case SWPROF_CFA_OUTERMOST:
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	case SWPROF_CFA_REGISTER:
		if (!(walk->flags & WALK_HAS_REGISTERS))
			return end_walk(walk, SWPROF_STACK_UNSUPPORTED);
		keep_no_reads(walk);
		frame_address = walk->registers[rule->reg & 15] + rule->offset;
		break;
	case SWPROF_CFA_AT_SP:
	case SWPROF_CFA_AT_BP:
		if (rule->frame_address == SWPROF_CFA_AT_BP && !(walk->flags & WALK_HAS_BP))
			return end_walk(walk, SWPROF_STACK_UNSUPPORTED);
		if (rule->frame_address == SWPROF_CFA_AT_BP)
			keep_bp(walk);
		place = (rule->frame_address == SWPROF_CFA_AT_BP ? walk->bp : walk->sp) + rule->offset;
		if (read_word(walk, &frame_address, place))
			return end_walk(walk, SWPROF_STACK_UNREADABLE);
		frame_address += rule->addend;
		break;
	case SWPROF_CFA_LINKAGE_STUB:
		frame_address = walk->sp + rule->offset + ((__s32)(walk->ip & 15) >= rule->addend ? 8 : 0);
		break;
	case SWPROF_CFA_SIGNAL_FRAME:
		return step_over_signal(walk);
	default:
		return end_walk(walk, SWPROF_STACK_UNSUPPORTED);
	}
	/* Only a leaf that has taken its return address off the stack leaves its caller the same stack. */
	if (frame_address < walk->sp || (frame_address == walk->sp && !(walk->flags & WALK_EXACT)))
		return end_walk(walk, SWPROF_STACK_CORRUPT);

	if (rule->return_address == SWPROF_RA_BELOW_CFA && rule->frame_pointer == SWPROF_BP_AT_CFA &&
	    rule->bp_offset == -16) {
		struct saved_frame frame;

		if (read_frame(walk, &frame, frame_address - sizeof(frame)))
			return end_walk(walk, SWPROF_STACK_UNREADABLE);
		walk->bp = frame.bp;
		walk->flags |= WALK_HAS_BP;
		ip = frame.ip;
	} else {
		if (rule->return_address == SWPROF_RA_REGISTER) {
			if (!(walk->flags & WALK_HAS_REGISTERS))
				return end_walk(walk, SWPROF_STACK_UNSUPPORTED);
			keep_no_reads(walk);
			ip = walk->registers[rule->reg & 15];
		} else {
			place = frame_address + (rule->return_address == SWPROF_RA_AT_CFA ? rule->addend : -8);
			if (read_word(walk, &ip, place))
				return end_walk(walk, SWPROF_STACK_UNREADABLE);
		}
		if (restore_frame_pointer(walk, frame_address))
			return end_walk(walk, SWPROF_STACK_UNREADABLE);
	}
	if (ip == 0)
		return end_walk(walk, SWPROF_STACK_COMPLETE);
	walk->ip = ip;
	walk->sp = frame_address;
	walk->flags &= ~(WALK_EXACT | WALK_HAS_REGISTERS);
	return 0;
}

/* Moves `walk->range` to the code of the frame at hand. Returns 0 when it lies in any. */
static __always_inline int find_code(struct walk *walk)
{
	/* A return address may lie behind the function that made the call. */
	__u64 address = walk->flags & WALK_EXACT ? walk->ip : walk->ip - 1;

	walk->address = address;
	return (address < walk->range.start || address >= walk->range.end) && find_range(address);
}

/* Moves to the caller. Returns 0 while there is one, 1 at the end of the walk. */
__attribute__((noinline)) int walk_step(void)
{
	struct scratch *scratch = current_scratch();
	struct walk *walk;
	__u32 count;

	if (!scratch)
		return 1;
	walk = &scratch->walk;
	if (config.unwind == SWPROF_UNWIND_TABLES) {
		if (walk->range.module == SWPROF_MODULE_NOT_READY)
			return end_walk(walk, SWPROF_STACK_NOT_READY);
		walk->rule.frame_address = SWPROF_CFA_GAP;
		if (walk->range.module != SWPROF_MODULE_NONE && look_up_rule(scratch, walk->address + walk->range.bias))
			return end_walk(walk, SWPROF_STACK_NOT_READY);
		if (walk->rule.frame_address == SWPROF_CFA_GAP ? step_by_frame_pointer(walk) : step_by_rule(walk))
			return 1;
		/* What lies in no code is no return address, and no frame. */
		if (find_code(walk))
			return end_walk(walk, SWPROF_STACK_UNMAPPED);
	} else if (step_by_frame_pointer(walk)) {
		return 1;
	}
	count = walk->count;
	if (count >= SWPROF_USER_FRAMES_MAX)
		return end_walk(walk, SWPROF_STACK_TOO_DEEP);
	/* Callers are given by what a call would return to; a signal interrupts before an instruction, not behind one.
	 */
	scratch->frames[count] = walk->flags & WALK_EXACT ? walk->ip + 1 : walk->ip;
	walk->hash = hash_frame(walk->hash, walk->ip);
	walk->count = count + 1;
	return 0;
}

/*
 * The loops are nested over a global function, so that the verifier follows 2 x 32 turns instead of 1024. They stay
 * loops: where each turn is a call of its own, the kernel looks for the deepest stack along each of 1024 paths (4 ms).
 */
#define STEPS_IN_A_ROW 32

/* Takes up to STEPS_IN_A_ROW steps. Returns 0 while there may be more, 1 at the end of the walk. */
__attribute__((noinline)) int walk_steps(void)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < STEPS_IN_A_ROW; i++)
		if (walk_step())
			return 1;
	return 0;
}

/*
 * Walks the user stack of a task from `scratch->regs`, the registers with which it left, or will return to, user mode.
 */
static __always_inline void walk_user_stack(struct scratch *scratch, __u32 tgid)
{
	const struct swprof_user_regs *regs = &scratch->regs;
	struct walk *walk = &scratch->walk;

	walk->registers[0] = regs->ax;
	walk->registers[1] = regs->dx;
	walk->registers[2] = regs->cx;
	walk->registers[3] = regs->bx;
	walk->registers[4] = regs->si;
	walk->registers[5] = regs->di;
	walk->registers[6] = regs->bp;
	walk->registers[7] = regs->sp;
	walk->registers[8] = regs->r8;
	walk->registers[9] = regs->r9;
	walk->registers[10] = regs->r10;
	walk->registers[11] = regs->r11;
	walk->registers[12] = regs->r12;
	walk->registers[13] = regs->r13;
	walk->registers[14] = regs->r14;
	walk->registers[15] = regs->r15;
	walk->ip = regs->ip;
	walk->sp = regs->sp;
	walk->bp = regs->bp;
	walk->flags = WALK_EXACT | WALK_HAS_BP | WALK_HAS_REGISTERS;
	walk->end = SWPROF_STACK_NONE;
	walk->range.end = 0;
	walk->hash = hash_frame(0, walk->ip);
	forget_reads(walk);
	walk->window_start = NO_WINDOW;
	scratch->frames[0] = walk->ip;
	walk->count = 1;
	if (config.unwind == SWPROF_UNWIND_TABLES) {
		struct swprof_code_map *map = bpf_map_lookup_elem(&code_maps, &tgid);

		if (!map) {
			walk->end = SWPROF_STACK_NOT_READY;
			return;
		}
		walk->map = *map;
		if (find_code(walk)) {
			walk->end = SWPROF_STACK_UNMAPPED;
			return;
		}
	}
#pragma clang loop unroll(disable)
	for (int i = 0; i < SWPROF_USER_FRAMES_MAX / STEPS_IN_A_ROW; i++)
		if (walk_steps())
			break;
	if (walk->end == SWPROF_STACK_NONE)
		walk->end = SWPROF_STACK_TOO_DEEP;
}

/* Reads the registers with which a task left user mode. Returns 0 when it has any. */
static __always_inline int read_user_registers(struct scratch *scratch, struct task_struct *task)
{
	/* Within execve the old program is gone and the new one not laid out yet: registers of nothing. */
	if (BPF_CORE_READ(task, mm, end_code) == 0)
		return 1;
	return bpf_probe_read_kernel(&scratch->regs, sizeof(scratch->regs), (void *)bpf_task_pt_regs(task)) != 0;
}

#endif
