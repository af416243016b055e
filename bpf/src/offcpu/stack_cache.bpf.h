/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Each thread caches its last user stack and its last kernel stack, with the stack words that the walk has read. If
 * they are unchanged, the cached stack is reused and nothing is walked: threads wait again and again in the same place.
 */
#ifndef SWPROF_OFFCPU_STACK_CACHE_BPF_H
#define SWPROF_OFFCPU_STACK_CACHE_BPF_H

#include "offcpu/stack_ids.bpf.h"

/* Words of a kernel stack, from where its task left the CPU to the registers of user mode. */
#define KERNEL_WORDS_MAX 320
/* Words of a user stack: a walk that has read others is not cached. */
#define USER_WORDS_MAX 512

/*
 * The places of a kernel stack that hold return addresses, counted from its beginning. The kernel's own walk does not
 * tell where it has read them, so a place counts if it holds one of the addresses that the walk has found.
 *
 * The code at a return address determines how far above it the next one lies. Equal addresses at all places therefore
 * lead to the same stack, up to the root. There are two exceptions:
 *
 * - Some frames have a size that is known at run time only. The walk then uses a frame pointer, or the registers that
 * an exception has saved. Stacks that look as if they had either are not cached.
 * - The entry of system calls moves the stack by a random number of bytes (CONFIG_RANDOMIZE_KSTACK_OFFSET). Its return
 *   address is the last word below the registers of user mode, and is compared by itself.
 */
#define KERNEL_PLACES_MAX 32

struct cached_kernel_stack {
	__u64 id; /* 0: none */
	__u64 last_word;
	__u32 words; /* from where it begins to the last word */
	__u32 moves; /* 0 or 1: the number of words varies, by the random offset */
	volatile __u32
		count; /* of places: less than KERNEL_PLACES_MAX. Volatile, so that the verifier does not track it */
	__u32 reserved;
	__u64 values[KERNEL_PLACES_MAX];
	__u16 places[KERNEL_PLACES_MAX];
};

struct cached_user_stack {
	__u64 id; /* without the Python side; 0: none */
	__u64 ip;
	__u64 sp;
	__u64 bp; /* where `uses_bp` */
	__u64 mm;
	__u64 generation; /* of the code maps */
	__u32 uses_bp; /* 0 or 1 */
	__u32 reads;
	__u32 reserved;
	__u32 words; /* from sp on, with all that were read among them */
	__u64 values[WALK_READS_MAX];
	__u16 places[WALK_READS_MAX]; /* words from sp on */
};

struct stack_cache {
	struct cached_kernel_stack kernel;
	struct cached_user_stack user;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct stack_cache);
} stack_caches SEC(".maps");

/* A switch may happen while a user stack is compared, so each has a buffer of its own. */
enum {
	STACK_WORDS_KERNEL = 0,
	STACK_WORDS_USER = 1,
	STACK_WORDS_MAX = 2,
};

/* A power of two, not less than either number of words. */
#define STACK_WORDS_SIZE 512

struct stack_words {
	volatile __u64 number;
	struct cached_kernel_stack found;
	__u64 behind[STACK_WORDS_SIZE / 64]; /* a bit for each word behind one that others point to */
	__u64 words[STACK_WORDS_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STACK_WORDS_MAX);
	__type(key, __u32);
	__type(value, struct stack_words);
} stack_words SEC(".maps");

/* Turns a pointer into a number, by way of a map: the verifier allows no arithmetic on pointers. */
static __always_inline __u64 address_of(void *pointer, struct stack_words *place)
{
	place->number = (__u64)pointer;
	return place->number;
}

/* Appends a place if `is_one` is 1. There is no branch, so that the verifier has one path. */
static __always_inline void set_place(struct cached_kernel_stack *last, __u16 place, __u64 value, __u32 is_one)
{
	__u32 index = last->count & (KERNEL_PLACES_MAX - 1);

	last->places[index] = place;
	last->values[index] = value;
	last->count += is_one;
}

static __always_inline bool has_equal_places(struct cached_kernel_stack *last, struct stack_words *now)
{
	for (__u32 i = 0; i < KERNEL_PLACES_MAX; i++) {
		if (i >= last->count)
			break;
		if (now->words[last->places[i] & (STACK_WORDS_SIZE - 1)] != last->values[i])
			return false;
	}
	return true;
}

/* Drops places whose word has changed although the stack has not: no return address was read there. */
static __always_inline void drop_places(struct cached_kernel_stack *last, struct stack_words *now)
{
	__u32 count = last->count;

	last->count = 0;
	for (__u32 i = 0; i < KERNEL_PLACES_MAX; i++) {
		__u16 place = last->places[i];
		__u64 value = last->values[i];

		if (i >= count)
			break;
		set_place(last, place, value, now->words[place & (STACK_WORDS_SIZE - 1)] == value);
	}
}

/* A bit of 64 for an address, as in a Bloom filter. */
static __always_inline __u32 bit_of(__u64 address)
{
	return address * 0x9e3779b97f4a7c15ULL >> 58;
}

/* All bits if a number is below a limit, a power of two; else none. Without a branch, for the verifier. */
static __always_inline __u64 mask_below(__u64 number, __u64 limit)
{
	__u64 above = number / limit, negative = -above;

	barrier_var(negative);
	above = (above | negative) >> 63;
	barrier_var(above);
	return above - 1;
}

/*
 * Finds the places of return addresses among the `count` words below the last one. A few others do no harm. Returns 0
 * if the stack can be cached.
 */
__attribute__((noinline)) int find_places(__u32 count, __u32 frames, __u64 sp)
{
	__u32 words_place = STACK_WORDS_KERNEL, stack_place = KERNEL_STACK_SWITCH;
	struct stack_words *now = bpf_map_lookup_elem(&stack_words, &words_place);
	struct kernel_stack *kernel = bpf_map_lookup_elem(&kernel_stacks, &stack_place);
	__u64 bits = 0;

	if (!now || !kernel)
		return 1;
	for (__u32 i = 0; i < KERNEL_PLACES_MAX && i < frames; i++)
		bits |= 1ULL << bit_of(kernel->frames[i]);
	now->found.count = 0;
	__builtin_memset(now->behind, 0, sizeof(now->behind));
	for (__u32 i = 0; i < KERNEL_WORDS_MAX && i < count; i++) {
		__u64 word = now->words[i], behind = (word - sp) / sizeof(__u64) + 1;

		set_place(&now->found, i, word, bits >> bit_of(word) & 1);
		now->behind[behind / 64 % (STACK_WORDS_SIZE / 64)] |=
			1ULL << behind % 64 & mask_below(behind, STACK_WORDS_SIZE);
	}
	if (now->found.count >= KERNEL_PLACES_MAX)
		return 1;
	for (__u32 i = 0; i < KERNEL_PLACES_MAX && i < now->found.count; i++) {
		__u32 place = now->found.places[i] & (STACK_WORDS_SIZE - 1);

		/* An exception has saved the address and the code segment that it came from side by side. */
		if (now->words[(place + 1) & (STACK_WORDS_SIZE - 1)] == ARCH_KERNEL_SEGMENT)
			return 1;
		/* A frame pointer points to where the caller's is, which has the return address behind it. */
		if (now->behind[place / 64 % (STACK_WORDS_SIZE / 64)] >> place % 64 & 1)
			return 1;
	}
	return 0;
}

/* Whether functions of a task return to a tracer: its stack then lacks some return addresses. */
static __always_inline bool has_traced_returns(struct task_struct *task)
{
	return (bpf_core_field_exists(task->ret_stack) && task->ret_stack) ||
	       (bpf_core_field_exists(task->rethooks) && task->rethooks.first) ||
	       (bpf_core_field_exists(task->kretprobe_instances) && task->kretprobe_instances.first);
}

/* The number of the kernel stack of a task that came from user mode and does not run. */
static __attribute__((noinline)) __u64 kernel_stack_by_cache(struct task_struct *task)
{
	struct stack_cache *cache = bpf_task_storage_get(&stack_caches, task, 0, 0);
	__u32 words_place = STACK_WORDS_KERNEL, stack_place = KERNEL_STACK_SWITCH;
	__u64 sp = arch_kernel_sp(task), last_word, count, id;
	struct cached_kernel_stack *last;
	struct kernel_stack *kernel;
	struct stack_words *now;
	__u32 frames;
	long size;

	now = bpf_map_lookup_elem(&stack_words, &words_place);
	kernel = bpf_map_lookup_elem(&kernel_stacks, &stack_place);
	if (!cache || !now || !kernel || has_traced_returns(task))
		return kernel_stack_of(task, KERNEL_STACK_SWITCH);
	last = &cache->kernel;
	count = (address_of((void *)bpf_task_pt_regs(task), now) - sp) / sizeof(__u64);
	if (count == 0 || count > KERNEL_WORDS_MAX ||
	    bpf_probe_read_kernel(now->words, count * sizeof(__u64), (void *)sp))
		return kernel_stack_of(task, KERNEL_STACK_SWITCH);
	count -= 1;
	last_word = now->words[count];
	if (last->id && last->last_word == last_word && (last->words == count || last->moves) &&
	    has_equal_places(last, now))
		return last->id;
	size = bpf_get_task_stack(task, kernel->frames, SWPROF_KERNEL_FRAMES_MAX * sizeof(__u64), 0);
	id = number_kernel_stack(KERNEL_STACK_SWITCH, size);
	if (id == last->id && last->last_word == last_word) {
		if (last->words != count)
			last->moves = 1;
		drop_places(last, now);
		return id;
	}
	last->id = 0;
	frames = size > 0 ? size / sizeof(__u64) : 0;
	/* A stack that is not whole, or has to be sent again, is not cached. */
	if (frames == 0 || frames >= KERNEL_PLACES_MAX ||
	    kernel->frames[(frames - 1) % KERNEL_PLACES_MAX] != last_word || !is_known(id) ||
	    find_places(count, frames, sp))
		return id;
	now->found.last_word = last_word;
	now->found.words = count;
	now->found.moves = 0;
	now->found.id = id;
	*last = now->found;
	return id;
}

/* Whether a walk from these registers would give the cached stack. */
static __always_inline bool is_same_user_stack(struct cached_user_stack *last, struct pt_regs *regs, __u64 mm,
					       __u64 generation)
{
	__u32 place = STACK_WORDS_USER, count = last->words;
	struct stack_words *now;

	if (!last->id || last->sp != arch_sp(regs) || last->ip != arch_ip(regs) ||
	    (last->uses_bp && last->bp != arch_bp(regs)) || last->mm != mm || last->generation != generation)
		return false;
	now = bpf_map_lookup_elem(&stack_words, &place);
	if (!now || count > USER_WORDS_MAX || bpf_probe_read_user(now->words, count * sizeof(__u64), (void *)last->sp))
		return false;
	for (__u32 i = 0; i < WALK_READS_MAX; i++) {
		if (i >= last->reads)
			break;
		if (now->words[last->places[i] & (STACK_WORDS_SIZE - 1)] != last->values[i])
			return false;
	}
	return true;
}

/* Caches the words that the last walk has read, if they lie close enough together. */
static __always_inline void keep_user_stack(struct cached_user_stack *last, struct walk *walk, __u64 sp)
{
	__u32 words = 0;

	last->reads = walk->reads.count;
	if (last->reads > WALK_READS_MAX)
		return;
	for (__u32 i = 0; i < WALK_READS_MAX; i++) {
		__u64 offset = walk->reads.places[i] - sp;

		if (i >= last->reads)
			break;
		if (offset % sizeof(__u64) || offset / sizeof(__u64) >= USER_WORDS_MAX)
			return;
		last->places[i] = offset / sizeof(__u64);
		last->values[i] = walk->reads.values[i];
		words |= last->places[i];
	}
	/* As many as any of them can be, or a few more. */
	last->words = words + 1;
}

/*
 * The number of a cached stack with its Python side, which is walked each time: what it consists of lies elsewhere. 0:
 * user space does not have it yet.
 */
static __always_inline __u64 id_of_cached(__u64 native_id, struct task_struct *task, __u32 tgid)
{
	__u64 id;

	if (!prepare_python(tgid))
		return native_id;
	/* The words are in nobody's way: only what was walked as a whole is sent. */
	walk_python(arch_thread_pointer(task), 0);
	id = id_with_python(native_id);
	return is_known(id) ? id : 0;
}

/* The number of the user stack of the current task, which must have one and belongs to a process `tgid`. */
__attribute__((noinline)) __u64 user_stack_by_cache(__u32 tgid)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct stack_cache *cache = bpf_task_storage_get(&stack_caches, task, 0, 0);
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct scratch *scratch = current_scratch();
	struct cached_user_stack *last;
	__u64 *generation, id, walked_generation, mm = (__u64)task->mm;
	__u32 zero = 0;

	generation = bpf_map_lookup_elem(&code_map_edition, &zero);
	if (!cache || !scratch || !generation)
		return user_stack_of_current(tgid);
	last = &cache->user;
	/* Read before the walk: a change of the tables meanwhile makes the entry stale. */
	walked_generation = *(volatile __u64 *)generation;
	if (is_same_user_stack(last, regs, mm, walked_generation)) {
		id = id_of_cached(last->id, task, tgid);
		if (id)
			return id;
	}
	last->id = 0;
	id = user_stack_of_current(tgid);
	if (scratch->walk.end != SWPROF_STACK_COMPLETE || id == SWPROF_STACK_ID_LOST || !is_known(id))
		return id;
	last->words = USER_WORDS_MAX + 1;
	keep_user_stack(last, &scratch->walk, arch_sp(regs));
	if (last->words > USER_WORDS_MAX)
		return id;
	last->ip = arch_ip(regs);
	last->sp = arch_sp(regs);
	last->bp = arch_bp(regs);
	last->uses_bp = scratch->walk.reads.uses_bp;
	last->mm = mm;
	last->generation = walked_generation;
	last->id = scratch->native_id;
	return id;
}

#endif
