/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds out when a waiting thread was woken, and by whom. */
#ifndef SWPROF_OFFCPU_WAKEUPS_BPF_H
#define SWPROF_OFFCPU_WAKEUPS_BPF_H

#include "offcpu/stack_ids.bpf.h"
#include "offcpu/threads.bpf.h"

/* The clock of the run queue of a task's CPU, ns. It stands still between the kernel's own readings. */
static __always_inline __u64 queue_clock(struct task_struct *task)
{
	return task->se.cfs_rq->rq->clock;
}

/* Notes a moment by the clock of run queues, when the thread stops running: that clock has just been read. */
static __always_inline void note_queue_time(struct task_struct *task, struct thread *thread, __u64 now)
{
	if (!off_cpu.queue_times)
		return;
	thread->run_delay = task->sched_info.run_delay;
	thread->clock_offset = now - queue_clock(task);
}

/* When a thread was woken whose run queue has it since then, by that queue's clock and that clock's offset. */
static __always_inline __u64 wakeup_by_offset(struct task_struct *task, struct thread *thread)
{
	/* The kernel adds to run_delay when a task leaves a queue, be it for another one. */
	return task->sched_info.last_queued + thread->clock_offset - (task->sched_info.run_delay - thread->run_delay);
}

/* The clocks differ by less than their readings take over waits up to this long. */
#define OFFSET_HOLDS_NS 100000000

/* Finds out when a thread that is about to run was woken. It has been in run queues since. */
static __always_inline void find_wakeup(struct task_struct *task, struct thread *thread, __u64 now)
{
	__u64 queued = task->sched_info.last_queued, delay = task->sched_info.run_delay - thread->run_delay;
	__u64 by_offset = wakeup_by_offset(task, thread);

	if (!queued && !delay)
		return;
	thread->queued = delay;
	if (queued)
		thread->queued += queue_clock(task) - queued;
	thread->woken = now - thread->queued;
	if (!queued)
		return;
	/*
	 * When a CPU comes back from idling, or lets the woken thread go first, its clock may still stand at the
	 * wake-up. What lies between counts as CPU time to the kernel, and is neither a wait nor time in a queue here.
	 */
	if (now - thread->since < OFFSET_HOLDS_NS && by_offset < thread->woken)
		thread->woken = by_offset;
}

/*
 * The number of frames of a waker's kernel stack that are its own: all, or those from the interrupt on that ended the
 * wait, in which case the task that it interrupted has no part in it.
 */
__attribute__((noinline)) __u32 frames_of_interrupt(__u32 count)
{
	__u32 place = KERNEL_STACK_WAKER;
	struct kernel_stack *kernel = bpf_map_lookup_elem(&kernel_stacks, &place);

	if (!kernel)
		return 0;
	for (__u32 i = 0; i < SWPROF_KERNEL_FRAMES_MAX && i < count; i++)
		if (kernel->frames[i] - off_cpu.interrupts_start < off_cpu.interrupts_size)
			return i + 1;
	return 0;
}

SEC("tp_btf/sched_waking")
int note_waker(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct thread *thread = thread_of((struct task_struct *)context[0]);
	__u32 place = KERNEL_STACK_WAKER, interrupt;
	struct kernel_stack *kernel;
	long size;

	if (!thread || thread->woken || (thread->since && bpf_ktime_get_ns() - thread->since < off_cpu.min_ns))
		return 0;
	kernel = bpf_map_lookup_elem(&kernel_stacks, &place);
	if (!kernel)
		return 0;
	size = bpf_get_stack(context, kernel->frames, SWPROF_KERNEL_FRAMES_MAX * sizeof(__u64), 0);
	interrupt = size > 0 ? frames_of_interrupt(size / sizeof(__u64)) : 0;
	thread->waker_flags = 0;
	thread->waker_tgid = 0;
	thread->waker_user_stack = SWPROF_STACK_ID_NONE;
	if (interrupt) {
		thread->waker_flags = SWPROF_INTERVAL_INTERRUPT;
		size = interrupt * sizeof(__u64);
	} else {
		thread->waker_tgid = tgid_in_namespace(task);
		if (has_user_stack(task) && config.sides & SWPROF_SIDE_USER)
			thread->waker_user_stack = user_stack_of_current(thread->waker_tgid);
	}
	thread->waker_kernel_stack =
		config.sides & SWPROF_SIDE_KERNEL ? number_kernel_stack(place, size) : SWPROF_STACK_ID_NONE;
	return 0;
}

#endif
