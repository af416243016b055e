// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Off-CPU profiling: the time that threads do not run, by stack, phase and state.
 *
 * A switch costs time stamps. Only an interval that was long enough costs stacks: the kernel stack when the thread is
 * switched in again, and the user stack in one of three ways. Where such intervals are rare, the kernel is asked to
 * call us before that thread returns to user mode (6.18). Else it is taken when the switch has ended (6.15), at the
 * price of a look at the ends of all threads' switches; and on other kernels when the thread leaves the system call in
 * which it waited. There, a thread that was not in a system call (a page fault, preemption) has nothing to leave, and
 * pays with the user stack before it is known how long it stays away.
 */
#include "offcpu/intervals.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_switch")
int switch_tasks(__u64 *context)
{
	bool preempt = context[0];
	struct task_struct *prev = (struct task_struct *)context[1];
	struct task_struct *next = (struct task_struct *)context[2];
	struct thread *leaving = thread_of(prev), *coming = thread_of(next);
	struct swprof_window *window;
	__u64 now;

	if (!leaving && config.scope == SWPROF_SCOPE_CGROUP && prev->pid &&
	    bpf_current_task_under_cgroup(&cgroups, 0) == 1)
		leaving = adopt(prev, tgid_in_namespace(prev));
	if (!leaving && !coming)
		return 0;
	window = current_window();
	if (!window)
		return 0;
	now = bpf_ktime_get_ns();
	if (leaving && !window->end_ns)
		switch_out(prev, leaving, preempt, switch_has_state() ? context[3] : task_state(prev), now);
	if (coming && coming->since)
		switch_in(next, coming, window, now);
	return 0;
}

/* The time is taken here, behind the locks, and not in sched_waking: there the thread may still be leaving its CPU. */
SEC("tp_btf/sched_wakeup")
int wake_up(__u64 *context)
{
	struct thread *thread = thread_of((struct task_struct *)context[0]);

	if (thread && thread->since && !thread->woken)
		thread->woken = bpf_ktime_get_ns();
	return 0;
}

/* A new thread's time begins in the run queue. */
SEC("tp_btf/sched_wakeup_new")
int wake_up_new(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	__u32 tgid = tgid_in_namespace(task);
	struct swprof_window *window = current_window();
	struct thread *thread;
	bool is_child;

	/* Of a control group, a new task is a member when its parent is; it is the parent that runs here. */
	is_child = config.scope == SWPROF_SCOPE_CGROUP ? bpf_current_task_under_cgroup(&cgroups, 0) == 1
						       : is_in_scope(task, tgid);
	if (!is_child || !tgid || !window || window->end_ns)
		return 0;
	thread = adopt(task, tgid);
	if (!thread)
		return 0;
	thread->phase = SWPROF_PHASE_RUN_QUEUE;
	/* Its first switch ends in no function that it has called. */
	if (off_cpu.switch_exit && thread->has_user && config.sides & SWPROF_SIDE_USER &&
	    may_be_wanted(SWPROF_PHASE_RUN_QUEUE, 0))
		thread->user_stack = user_stack_of(task, tgid);
	thread->since = bpf_ktime_get_ns();
	return 0;
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

SEC("tp_btf/sys_exit")
int leave_system_call(__u64 *context)
{
	return come_back();
}

/*
 * Since 6.15, in the place of sys_exit: the end of __schedule(), run by the thread that was switched to. It sees page
 * faults and preemption too, and costs system calls nothing.
 */
SEC("tp_btf/sched_exit_tp")
int end_switch(__u64 *context)
{
	return come_back();
}

/* A process that becomes a target by its new name; and the end of the stack that it waited in. */
SEC("tp_btf/sched_process_exec")
int replace_program(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct thread *thread = bpf_task_storage_get(&threads, task, 0, 0);
	__u32 tgid = tgid_in_namespace(task);

	if (thread && thread->has_pending)
		settle(thread, SWPROF_STACK_ID_LOST);
	if (!thread && config.scope != SWPROF_SCOPE_CGROUP && is_in_scope(task, tgid))
		thread = adopt(task, tgid);
	if (!thread)
		return 0;
	/* A thread that is not the first takes the first one's number. */
	thread->tid = number_in_namespace(task);
	thread->has_user = 1;
	return 0;
}

SEC("tp_btf/sched_process_exit")
int end_thread(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	struct thread *thread = bpf_task_storage_get(&threads, task, 0, 0);
	struct swprof_thread record = {};
	__u32 tid;

	if (!thread || thread->has_ended)
		return 0;
	if (thread->has_pending)
		settle(thread, SWPROF_STACK_ID_LOST);
	thread->has_ended = 1;
	tid = task->pid;
	if (off_cpu.task_work)
		bpf_map_delete_elem(&works, &tid);
	record.record = SWPROF_RECORD_THREAD;
	record.time_ns = bpf_ktime_get_ns();
	record.tgid = thread->tgid;
	record.tid = thread->tid;
	bpf_probe_read_kernel(record.comm, sizeof(record.comm), task->comm);
	bpf_probe_read_kernel(record.process_comm, sizeof(record.process_comm), task->group_leader->comm);
	if (bpf_ringbuf_output(&records, &record, sizeof(record), record_flags()))
		count(SWPROF_COUNTER_THREAD_RECORD_LOST);
	return 0;
}

/* Adopts the threads that are there when the capture starts. */
SEC("iter/task")
int adopt_threads(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct swprof_window *window = current_window();
	struct thread *thread;
	__u32 tgid, state;

	if (!task || !window || task->exit_state)
		return 0;
	tgid = tgid_in_namespace(task);
	if (!is_in_scope(task, tgid))
		return 0;
	thread = bpf_task_storage_get(&threads, task, 0, 0);
	if (thread)
		return 0;
	thread = adopt(task, tgid);
	if (!thread)
		return 0;
	state = task_state(task) & (TASK_STATES | TASK_NOLOAD);
	if (task->on_cpu || thread->since)
		return 0;
	thread->phase = state ? SWPROF_PHASE_BLOCKED : SWPROF_PHASE_RUN_QUEUE;
	thread->state = state ? state_letter(state) : 0;
	thread->flags = SWPROF_INTERVAL_OPEN;
	if (!state)
		note_throttling(task, thread);
	note_queue_time(task, thread, bpf_ktime_get_ns());
	thread->since = window->start_ns;
	return 0;
}

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
	if (!arch_is_compat(regs))
		open->has_registers = SWPROF_REGISTERS_64BIT;
	else
		open->has_registers = arch_has_local_segment(regs) ? SWPROF_REGISTERS_SEGMENT : SWPROF_REGISTERS_COMPAT;
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
	struct pending *pending = &copy.pending;
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
	if (is_new) {
		pending->flags |= SWPROF_INTERVAL_OPEN;
		pending->kernel_stack = SWPROF_STACK_ID_NONE;
		open->user_stack = copy.user_stack;
		if (config.sides & SWPROF_SIDE_KERNEL)
			size = bpf_get_task_stack(task, buffer->frames, SWPROF_KERNEL_FRAMES_MAX * sizeof(__u64), 0);
		if (size <= 0 && config.sides & SWPROF_SIDE_KERNEL)
			pending->kernel_stack = SWPROF_STACK_ID_LOST;
	}
	if (is_new || copy.has_pending) {
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
		if (copy.has_user && config.sides & SWPROF_SIDE_USER && open->user_stack == SWPROF_STACK_ID_NONE)
			copy_registers(open, task);
	}
	if (size > 0 && size <= SWPROF_KERNEL_FRAMES_MAX * (long)sizeof(__u64)) {
		open->kernel_frames = size / sizeof(__u64);
		open->kernel_end =
			open->kernel_frames >= SWPROF_KERNEL_FRAMES_MAX ? SWPROF_STACK_TOO_DEEP : SWPROF_STACK_COMPLETE;
	} else {
		size = 0;
	}
	if (bpf_seq_write(context->meta->seq, buffer, sizeof(*open) + size) == 0 && window->claims) {
		if (is_new)
			count_left_out(pending);
		thread->since = 0;
		thread->has_pending = 0;
	}
	return 0;
}
