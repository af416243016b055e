/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The platform of a walk in the kernel: memory and code of the current process, and its unwind tables. */
#ifndef SWPROF_UNWIND_KERNEL_BPF_H
#define SWPROF_UNWIND_KERNEL_BPF_H

#include "abi/stacks.h"
#include "track/mappings.bpf.h"
#include "unwind/tables.bpf.h"
#include "python_state.h"
#include "walk_reads.h"

/*
 * A cache of rules. Stacks of one program pass the same few hundred addresses again and again. A module's lines never
 * change, so entries stay valid.
 */
#define CACHED_RULES 256

struct cached_rule {
	__u64 address;
	__u32 module;
	struct swprof_unwind_rule rule;
	__u32 reserved;
};

/* Native user frames, the Python side behind them, and kernel frames. */
#define USER_SIDE_MAX (SWPROF_USER_FRAMES_MAX + SWPROF_PYTHON_WORDS_MAX)

/*
 * A record under construction: a sample, whose kernel frames are appended behind the user frames so that it has no
 * holes, or a stack.
 */
struct scratch {
	struct walk walk;
	struct swprof_user_regs regs; /* where a walk starts */
	__u64 native_id; /* where stacks have numbers: of the last one, without its Python side */
	union {
		struct swprof_sample sample;
		struct swprof_stack stack;
	};
	__u64 frames[USER_SIDE_MAX + SWPROF_KERNEL_FRAMES_MAX + 1];
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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct python_walk);
} python_walks SEC(".maps");

static __always_inline struct python_walk *current_python(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&python_walks, &zero);
}

/* Notes where on the stack a native frame begins. */
static __always_inline void keep_frame_address(__u32 index, __u64 address)
{
	struct python_walk *python = current_python();

	if (python && index < SWPROF_USER_FRAMES_MAX)
		python->frame_addresses[index] = address;
}

/* The bounds [low, high) of a binary search, in one number, so that a global function can return them. */
#define BOUNDS(low, high) ((__u64)(high) << 32 | (low))
#define LOW(bounds) ((__u32)(bounds))
#define HIGH(bounds) ((__u32)((bounds) >> 32))
/* A line could not be read. */
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

/* The last of the rows [low, high) of a line that is at or below a key, or the one before them. */
static __always_inline __u32 last_row(struct swprof_line *line, __u32 low, __u32 high, __u32 key)
{
	for (int i = 0; i < ROW_STEPS && low < high; i++) {
		__u32 middle = (low + high) / 2;

		if (((__u32 *)line)[middle % ROWS_PER_LINE] <= key)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
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
	low = last_row(line, low, high, key);
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

static __always_inline bool walks_by_tables(void)
{
	return config.unwind == SWPROF_UNWIND_TABLES;
}

static __always_inline int read_user(void *to, __u32 size, __u64 address)
{
	return bpf_probe_read_user(to, size, (void *)address) != 0;
}

/* Finds the bounds of all code of a process. */
static __always_inline void find_code_bounds(struct walk *walk)
{
	struct swprof_code_range *lowest, *highest;

	walk->lowest_code = 1;
	walk->highest_code = 1ULL << 47;
	if (!walks_by_tables() || walk->map.count == 0)
		return;
	lowest = range_at(walk->map.first, 0);
	highest = range_at(walk->map.first, walk->map.count - 1);
	if (!lowest || !highest)
		return;
	walk->lowest_code = lowest->start;
	walk->highest_code = highest->end;
}

/* More probes of returns than any thread has at once. */
#define RETURN_PROBES_MAX 64

/* Finds the return address that a uretprobe has replaced at a place of the stack. 0: none. */
__attribute__((noinline)) __u64 probed_return(__u64 place)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct return_instance *instance;

	if (!bpf_core_field_exists(task->utask))
		return 0;
	instance = BPF_CORE_READ(task, utask, return_instances);
	for (int i = 0; i < RETURN_PROBES_MAX && instance; i++) {
		if (BPF_CORE_READ(instance, stack) == place)
			return BPF_CORE_READ(instance, orig_ret_vaddr);
		instance = BPF_CORE_READ(instance, next);
	}
	return 0;
}

/* Puts the return address that a uretprobe has replaced in its place, if it was one. */
static __always_inline void restore_return(struct walk *walk)
{
	__u64 address = probed_return(walk->sp - sizeof(walk->ip));

	if (address)
		walk->ip = address;
}

/* Moves `walk->range` to a mapping that user space has not published. Returns 0 if the mapping is code. */
__attribute__((noinline)) int find_new_range(__u64 address)
{
	struct scratch *scratch = current_scratch();

	if (!scratch)
		return 1;
	/* The stack now depends on the mappings, too. */
	keep_no_reads(&scratch->walk);
	return !find_mapping(&scratch->walk.range, address);
}

/* Whether the program itself is 64-bit: the chain of 32-bit frames does not reach its 64-bit callers. */
static __always_inline bool is_wide_process(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();

	return BPF_CORE_READ(task, mm, task_size) > 1ULL << 32;
}

#endif
