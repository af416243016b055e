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
#include "offcpu/open_intervals.bpf.h"
#include "offcpu/switches.bpf.h"
#include "offcpu/wakeups.bpf.h"
#include "track/processes.bpf.h"

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
