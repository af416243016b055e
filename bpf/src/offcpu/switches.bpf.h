/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Begins and ends intervals at switches of tasks, and decides when the user stack of a wait is walked. */
#ifndef SWPROF_OFFCPU_SWITCHES_BPF_H
#define SWPROF_OFFCPU_SWITCHES_BPF_H

#include "arch/arch.h"
#include "offcpu/intervals.bpf.h"
#include "offcpu/stack_cache.bpf.h"
#include "offcpu/wakeups.bpf.h"

/* The form that sched_switch has since 5.18; its last argument is the state of the task that leaves. */
typedef void (*btf_trace_sched_switch___with_state)(void *, bool, struct task_struct *, struct task_struct *,
						    unsigned int);

static __always_inline bool switch_has_state(void)
{
	return off_cpu.switch_state && bpf_core_type_matches(btf_trace_sched_switch___with_state);
}

/*
 * Ends the interval of the current thread, which runs since `now` although we saw no switch to it. The kernel does not
 * run our programs in every context.
 */
static __always_inline void come_back_unseen(struct task_struct *task, struct thread *thread, __u64 now)
{
	struct swprof_window *window = current_window();

	count(SWPROF_COUNTER_SWITCH_MISSED);
	if (!window)
		return;
	if (off_cpu.queue_times && thread->phase == SWPROF_PHASE_BLOCKED)
		find_wakeup(task, thread, now);
	if (!close_interval(thread, window, now))
		return;
	count_left_out(&thread->pending);
	if (!thread->pending.first_wanted && !thread->pending.queued_wanted)
		return;
	thread->pending.kernel_stack = config.sides & SWPROF_SIDE_KERNEL ? SWPROF_STACK_ID_LOST : SWPROF_STACK_ID_NONE;
	if (thread->has_user && config.sides & SWPROF_SIDE_USER && thread->user_stack == SWPROF_STACK_ID_NONE)
		thread->has_pending = 1;
	else
		settle(thread, thread->user_stack);
}

static __always_inline void switch_out(struct task_struct *task, struct thread *thread, bool preempt, __u32 state,
				       __u64 now)
{
	struct pt_regs *regs;

	if (thread->since && off_cpu.task_work) {
		come_back_unseen(task, thread, now - (queue_clock(task) - task->sched_info.last_arrival));
		if (thread->has_pending)
			settle(thread, SWPROF_STACK_ID_LOST);
	} else if (thread->since) {
		/* It has run meanwhile, at an unknown time. */
		count(SWPROF_COUNTER_SWITCH_MISSED);
	}
	/* It waits again before it left the system call; or its return was not seen, and it may be anywhere by now. */
	if (thread->has_pending)
		settle(thread, off_cpu.switch_exit ? SWPROF_STACK_ID_LOST : user_stack_by_cache(thread->tgid));
	state &= TASK_STATES | TASK_NOLOAD;
	if (state & TASK_DEAD || thread->has_ended)
		return;
	thread->woken = 0;
	thread->queued = NOT_KNOWN;
	thread->limited_queue = 0;
	thread->flags = 0;
	thread->user_stack = SWPROF_STACK_ID_NONE;
	thread->state = 0;
	if (!preempt && state) {
		thread->phase = SWPROF_PHASE_BLOCKED;
		thread->state = state_letter(state);
	} else {
		regs = (struct pt_regs *)bpf_task_pt_regs(task);
		thread->phase =
			!preempt && arch_is_in_sched_yield(task, regs) ? SWPROF_PHASE_YIELDED : SWPROF_PHASE_PREEMPTED;
		note_throttling(task, thread);
	}
	if (!off_cpu.switch_exit && !off_cpu.task_work && thread->has_user && config.sides & SWPROF_SIDE_USER &&
	    may_be_wanted(thread->phase, thread->state)) {
		regs = (struct pt_regs *)bpf_task_pt_regs(task);
		if (!arch_is_in_system_call(regs))
			thread->user_stack = user_stack_by_cache(thread->tgid);
	}
	note_queue_time(task, thread, now);
	thread->since = now;
}

/* Takes the user stack of a wait that has ended: the current thread still has it. */
static __always_inline int come_back(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct thread *thread = thread_of(task);

	if (!thread)
		return 0;
	/* At most a system call ago. */
	if (thread->since)
		come_back_unseen(task, thread, bpf_ktime_get_ns());
	/* There is no memory to be had while run queues are locked. */
	if (thread->cache == CACHE_WANTED) {
		bpf_task_storage_get(&stack_caches, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		thread->cache = CACHE_KEPT;
	}
	if (thread->has_pending)
		settle(thread, user_stack_by_cache(thread->tgid));
	return 0;
}

/* Called by the kernel in a thread that is about to return to user mode. */
static int return_to_user_mode(struct bpf_map *map, void *key, void *value)
{
	struct thread *thread;

	/* The memory that a stack is walked in belongs to the CPU. */
	bpf_preempt_disable();
	thread = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
	if (thread)
		thread->has_work = 0;
	come_back();
	bpf_preempt_enable();
	return 0;
}

/* Has the kernel call us in a thread before it returns to user mode. Returns whether it will. */
static __always_inline bool wait_for_return(struct task_struct *task, struct thread *thread)
{
	struct work *work, none = {};
	__u32 tid = task->pid;

	if (thread->has_work)
		return true;
	work = bpf_map_lookup_elem(&works, &tid);
	if (!work && !bpf_map_update_elem(&works, &tid, &none, BPF_NOEXIST))
		work = bpf_map_lookup_elem(&works, &tid);
	if (!work || bpf_task_work_schedule_resume_impl(task, &work->work, &works, return_to_user_mode, NULL))
		return false;
	thread->has_work = 1;
	return true;
}

static __always_inline void switch_in(struct task_struct *task, struct thread *thread, struct swprof_window *window,
				      __u64 now)
{
	if (thread->phase == SWPROF_PHASE_BLOCKED) {
		if (off_cpu.queue_times)
			find_wakeup(task, thread, now);
		if (!thread->woken)
			count(SWPROF_COUNTER_WAKEUP_MISSED);
	}
	if (!close_interval(thread, window, now))
		return;
	count_left_out(&thread->pending);
	if (!thread->pending.first_wanted && !thread->pending.queued_wanted)
		return;
	if (!thread->cache)
		thread->cache = CACHE_WANTED;
	thread->pending.kernel_stack = SWPROF_STACK_ID_NONE;
	if (config.sides & SWPROF_SIDE_KERNEL)
		thread->pending.kernel_stack =
			thread->has_user ? kernel_stack_by_cache(task) : kernel_stack_of(task, KERNEL_STACK_SWITCH);
	if (!thread->has_user || !(config.sides & SWPROF_SIDE_USER) || thread->user_stack != SWPROF_STACK_ID_NONE)
		settle(thread, thread->user_stack);
	else if (off_cpu.task_work && !wait_for_return(task, thread))
		settle(thread, SWPROF_STACK_ID_LOST);
	else
		thread->has_pending = 1;
}

#endif
