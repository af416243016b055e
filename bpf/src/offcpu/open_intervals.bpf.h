/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the threads and their open intervals when a capture ends. */
#ifndef SWPROF_OFFCPU_OPEN_INTERVALS_BPF_H
#define SWPROF_OFFCPU_OPEN_INTERVALS_BPF_H

#include "arch/arch.h"
#include "offcpu/intervals.bpf.h"
#include "offcpu/wakeups.bpf.h"

/* An open interval and the kernel frames behind it. */
struct open_interval {
	struct swprof_open_interval interval;
	__u64 frames[SWPROF_KERNEL_FRAMES_MAX + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct open_interval);
} open_intervals SEC(".maps");

static __always_inline void copy_registers(struct swprof_open_interval *open, struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	arch_copy_registers(open->registers, regs);
	open->thread_pointer = arch_thread_pointer(task);
	if (!arch_is_compat(regs))
		open->has_registers = SWPROF_REGISTERS_64BIT;
	else
		open->has_registers = arch_has_local_segment(regs) ? SWPROF_REGISTERS_SEGMENT : SWPROF_REGISTERS_COMPAT;
}

/*
 * Gives the interval of a thread that still waits its kernel stack. Returns the bytes of its frames; none where it is
 * to have none, or a number alone.
 */
static __always_inline long take_open_stacks(struct open_interval *buffer, struct task_struct *task,
					     struct thread *thread)
{
	struct pending *pending = &thread->pending;
	long size = 0;

	pending->flags |= SWPROF_INTERVAL_OPEN;
	pending->kernel_stack = SWPROF_STACK_ID_NONE;
	buffer->interval.user_stack = thread->user_stack;
	if (config.sides & SWPROF_SIDE_KERNEL)
		size = bpf_get_task_stack(task, buffer->frames, SWPROF_KERNEL_FRAMES_MAX * sizeof(__u64), 0);
	if (size <= 0 && config.sides & SWPROF_SIDE_KERNEL)
		pending->kernel_stack = SWPROF_STACK_ID_LOST;
	return size;
}

static __always_inline void copy_pending(struct swprof_open_interval *open, struct task_struct *task,
					 const struct thread *thread)
{
	const struct pending *pending = &thread->pending;

	open->kernel_stack = pending->kernel_stack;
	open->waker_user_stack = pending->waker_user_stack;
	open->waker_kernel_stack = pending->waker_kernel_stack;
	open->waker_tgid = pending->waker_tgid;
	open->first_ns = pending->first_ns;
	open->queued_ns = pending->queued_ns;
	open->phase = pending->phase;
	open->queued_phase = pending->queued_phase;
	open->state = pending->state;
	open->flags = pending->flags;
	open->first_wanted = pending->first_wanted;
	open->queued_wanted = pending->queued_wanted;
	if (thread->has_user && config.sides & SWPROF_SIDE_USER && open->user_stack == SWPROF_STACK_ID_NONE)
		copy_registers(open, task);
}

/*
 * Writes each thread of the targets with its name and what it waits for as the capture ends: as user space asks, since
 * the memory of another process cannot be read here.
 *
 * It asks twice: a thread that it has found in the same interval before and after it walked the stack was there
 * meanwhile. The second time, the interval is claimed: the thread will not settle it itself. Where a thread does not
 * fit, nothing is written, and it comes again.
 */
SEC("iter/task")
int collect_threads(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct swprof_window *window = current_window();
	struct swprof_open_interval *open;
	struct open_interval *buffer;
	struct thread *thread, copy;
	__u32 zero = 0;
	long size = 0;
	bool is_new;

	if (!task || !window || task->exit_state)
		return 0;
	thread = bpf_task_storage_get(&threads, task, 0, 0);
	buffer = bpf_map_lookup_elem(&open_intervals, &zero);
	if (!thread || !buffer || thread->has_ended)
		return 0;
	open = &buffer->interval;
	copy = *thread;
	__builtin_memset(open, 0, sizeof(*open));
	open->thread.record = SWPROF_RECORD_THREAD;
	open->thread.time_ns = window->end_ns;
	open->thread.tgid = copy.tgid;
	open->thread.tid = copy.tid;
	open->since_ns = copy.since;
	bpf_probe_read_kernel(open->thread.comm, sizeof(open->thread.comm), task->comm);
	bpf_probe_read_kernel(open->thread.process_comm, sizeof(open->thread.process_comm), task->group_leader->comm);
	if (off_cpu.queue_times && copy.phase == SWPROF_PHASE_BLOCKED && task->sched_info.last_queued)
		copy.woken = wakeup_by_offset(task, &copy);
	is_new = !copy.has_pending && copy.since && !task->on_cpu && close_interval(&copy, window, ~0ULL);
	if (is_new)
		size = take_open_stacks(buffer, task, &copy);
	if (is_new || copy.has_pending)
		copy_pending(open, task, &copy);
	if (size > 0 && size <= SWPROF_KERNEL_FRAMES_MAX * (long)sizeof(__u64)) {
		open->kernel_frames = size / sizeof(__u64);
		open->kernel_end =
			open->kernel_frames >= SWPROF_KERNEL_FRAMES_MAX ? SWPROF_STACK_TOO_DEEP : SWPROF_STACK_COMPLETE;
	} else {
		size = 0;
	}
	if (bpf_seq_write(context->meta->seq, buffer, sizeof(*open) + size) == 0 && window->claims) {
		if (is_new)
			count_left_out(&copy.pending);
		thread->since = 0;
		thread->has_pending = 0;
	}
	return 0;
}

#endif
