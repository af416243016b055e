/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers stacks by the hash of their frames. User space receives each stack once, and its number from then on. */
#ifndef SWPROF_OFFCPU_STACK_IDS_BPF_H
#define SWPROF_OFFCPU_STACK_IDS_BPF_H

/* The stack cache compares the words that a walk has read. */
#define WALK_KEEPS_READS
#include "unwind/user_stacks.bpf.h"
#include "abi/stacks.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 21); /* set before load */
} records SEC(".maps");

/* The stacks that user space has. One that finds no place here is sent again each time. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, __u64);
	__type(value, __u8);
} known_stacks SEC(".maps");

/* Kernel stacks are taken where programs may interrupt each other: each has a place of its own. */
enum {
	KERNEL_STACK_SWITCH = 0,
	KERNEL_STACK_WAKER = 1,
	KERNEL_STACK_ITERATOR = 2,
	KERNEL_STACK_MAX = 3,
};

struct kernel_stack {
	struct swprof_stack stack;
	__u64 frames[SWPROF_KERNEL_FRAMES_MAX + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KERNEL_STACK_MAX);
	__type(key, __u32);
	__type(value, struct kernel_stack);
} kernel_stacks SEC(".maps");

static __always_inline __u64 record_flags(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) >= config.wakeup_bytes ? BPF_RB_FORCE_WAKEUP
										     : BPF_RB_NO_WAKEUP;
}

/* Whether user space has a stack. */
static __always_inline bool is_known(__u64 id)
{
	return bpf_map_lookup_elem(&known_stacks, &id) != NULL;
}

/* Sends a stack and the frames behind it. */
static __always_inline void send_stack(struct swprof_stack *stack, __u64 size)
{
	__u64 id = stack->id, flags = record_flags();
	__u8 present = 1;

	/* A table that is missing is built the sooner, and a name read while it can be. */
	if (stack->end == SWPROF_STACK_NOT_READY || (stack->python_words && has_new_python_code())) {
		flags = BPF_RB_FORCE_WAKEUP;
		forget_new_python_code();
	}
	stack->record = SWPROF_RECORD_STACK;
	stack->time_ns = bpf_ktime_get_ns();
	stack->reserved = 0;
	if (bpf_ringbuf_output(&records, stack, size, flags))
		count(SWPROF_COUNTER_RING_BUFFER_FULL);
	else
		bpf_map_update_elem(&known_stacks, &id, &present, BPF_ANY);
}

static __always_inline __u64 usable_id(__u64 hash)
{
	return hash > SWPROF_STACK_ID_LOST ? hash : hash + 2;
}

/* The number of a stack whose native frames alone have a number, with the Python side that was walked last. */
__attribute__((noinline)) __u64 id_with_python(__u64 native_id)
{
	struct python_walk *python = current_python();

	return python && python->hash ? usable_id(hash_frame(native_id, python->hash)) : native_id;
}

/*
 * The number of the user stack of a task, which must have one and belongs to a process `tgid`: the current one, or one
 * that has just been made and has what memory the current one has.
 */
static __always_inline __u64 user_stack_of(struct task_struct *task, __u32 tgid)
{
	struct scratch *scratch = current_scratch();
	__u64 size, hash, id;

	if (!scratch || read_user_registers(scratch, task))
		return SWPROF_STACK_ID_LOST;
	prepare_python(tgid);
	walk_user_stack(scratch, tgid);
	/* Equal addresses of another process, or of the program before an exec, are other places. */
	hash = hash_frame(scratch->walk.hash, (__u64)BPF_CORE_READ(task, mm));
	id = usable_id(hash_frame(hash, scratch->walk.end));
	scratch->native_id = id;
	scratch->stack.python_words = 0;
	scratch->stack.gil = SWPROF_GIL_UNKNOWN;
	if (scratch->walk.keeps_frame_addresses) {
		scratch->stack.python_words = walk_python(arch_thread_pointer(task), scratch->walk.count);
		scratch->stack.gil = python_gil();
		id = id_with_python(id);
	}
	if (is_known(id))
		return id;
	scratch->stack.id = id;
	scratch->stack.tgid = tgid;
	scratch->stack.frames = scratch->walk.count;
	scratch->stack.end = scratch->walk.end;
	scratch->stack.side = SWPROF_SIDE_USER;
	if (scratch->walk.keeps_frame_addresses)
		place_python();
	bpf_get_current_comm(scratch->stack.comm, sizeof(scratch->stack.comm));
	bpf_probe_read_kernel(scratch->stack.process_comm, sizeof(scratch->stack.process_comm),
			      task->group_leader->comm);
	size = sizeof(scratch->stack) + (__u64)(scratch->stack.frames + scratch->stack.python_words) * sizeof(__u64);
	if (size > sizeof(scratch->stack) + sizeof(scratch->frames))
		return SWPROF_STACK_ID_LOST;
	send_stack(&scratch->stack, size);
	return id;
}

__attribute__((noinline)) __u64 user_stack_of_current(__u32 tgid)
{
	return user_stack_of((struct task_struct *)bpf_get_current_task_btf(), tgid);
}

/* The number of the kernel stack in one of `kernel_stacks`, `size` bytes of frames or an error. */
__attribute__((noinline)) __u64 number_kernel_stack(__u32 place, long size)
{
	struct kernel_stack *kernel = bpf_map_lookup_elem(&kernel_stacks, &place);
	__u64 hash = 0, bytes, id;
	__u32 frames;

	if (!kernel || size <= 0)
		return SWPROF_STACK_ID_LOST;
	frames = size / sizeof(__u64);
	for (__u32 i = 0; i < SWPROF_KERNEL_FRAMES_MAX && i < frames; i++)
		hash = hash_frame(hash, kernel->frames[i]);
	id = usable_id(hash);
	if (is_known(id))
		return id;
	kernel->stack.id = id;
	kernel->stack.tgid = 0;
	kernel->stack.frames = frames;
	kernel->stack.end = frames >= SWPROF_KERNEL_FRAMES_MAX ? SWPROF_STACK_TOO_DEEP : SWPROF_STACK_COMPLETE;
	kernel->stack.side = SWPROF_SIDE_KERNEL;
	kernel->stack.python_words = 0;
	kernel->stack.gil = SWPROF_GIL_UNKNOWN;
	__builtin_memset(kernel->stack.comm, 0, sizeof(kernel->stack.comm) + sizeof(kernel->stack.process_comm));
	bytes = sizeof(kernel->stack) + (__u64)frames * sizeof(__u64);
	if (bytes > sizeof(*kernel))
		return SWPROF_STACK_ID_LOST;
	send_stack(&kernel->stack, bytes);
	return id;
}

/* The number of the kernel stack of a task that does not run. */
static __always_inline __u64 kernel_stack_of(struct task_struct *task, __u32 place)
{
	struct kernel_stack *kernel = bpf_map_lookup_elem(&kernel_stacks, &place);

	if (!kernel)
		return SWPROF_STACK_ID_LOST;
	return number_kernel_stack(
		place, bpf_get_task_stack(task, kernel->frames, SWPROF_KERNEL_FRAMES_MAX * sizeof(__u64), 0));
}

#endif
