/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ends intervals in which a thread does not run, and sums them up by stack, phase and state. */
#ifndef SWPROF_OFFCPU_INTERVALS_BPF_H
#define SWPROF_OFFCPU_INTERVALS_BPF_H

#include "offcpu/threads.bpf.h"
#include "offcpu/throttling.bpf.h"

static __always_inline bool is_wanted(__u8 phase, __u8 state, __u64 ns)
{
	if (!(off_cpu.phases & (1U << (phase & 7))) || ns < off_cpu.min_ns || ns > off_cpu.max_ns)
		return false;
	return !state || off_cpu.states & (1ULL << ((state - 'A') & 63));
}

/* Whether an interval that begins may be wanted. */
static __always_inline bool may_be_wanted(__u8 phase, __u8 state)
{
	__u32 phases = 1U << (phase & 7);

	if (phase == SWPROF_PHASE_BLOCKED || phase == SWPROF_PHASE_THROTTLED)
		phases |= 1U << SWPROF_PHASE_RUN_QUEUE;
	else if (has_throttling() && !throttles_threads())
		phases |= 1U << SWPROF_PHASE_THROTTLED;
	return off_cpu.phases & phases && (!state || off_cpu.states & (1ULL << ((state - 'A') & 63)));
}

static __always_inline void add_interval(struct thread *thread, __u64 user_stack, __u8 phase, __u64 ns)
{
	struct pending *pending = &thread->pending;
	struct swprof_interval_key key = {
		.user_stack = user_stack,
		.kernel_stack = pending->kernel_stack,
		.waker_user_stack = pending->waker_user_stack,
		.waker_kernel_stack = pending->waker_kernel_stack,
		.tgid = thread->tgid,
		.tid = thread->tid,
		.waker_tgid = pending->waker_tgid,
		.phase = phase,
		.state = pending->state,
		.flags = pending->flags,
	};
	struct swprof_interval_sum *sum, first = {1, ns, ns, ns};

	add_sum(SWPROF_SUM_WANTED, ns);
	sum = bpf_map_lookup_elem(&intervals, &key);
	if (!sum) {
		if (bpf_map_update_elem(&intervals, &key, &first, BPF_NOEXIST))
			add_sum(SWPROF_SUM_TABLE_FULL, ns);
		return;
	}
	/* A thread is switched in on one CPU at a time. */
	sum->count += 1;
	sum->total_ns += ns;
	if (ns < sum->min_ns)
		sum->min_ns = ns;
	if (ns > sum->max_ns)
		sum->max_ns = ns;
}

/* Adds the pending interval to the sums, with its user stack. */
static __attribute__((noinline)) void settle(struct thread *thread, __u64 user_stack)
{
	thread->has_pending = 0;
	if (thread->pending.first_wanted)
		add_interval(thread, user_stack, thread->pending.phase, thread->pending.first_ns);
	if (thread->pending.queued_wanted)
		add_interval(thread, user_stack, thread->pending.queued_phase, thread->pending.queued_ns);
}

/* Counts the parts of an interval that were not asked for. */
static __always_inline void count_left_out(struct pending *pending)
{
	if (!pending->first_wanted)
		add_sum(SWPROF_SUM_LEFT_OUT + (pending->phase & 7), pending->first_ns);
	if (!pending->queued_wanted && pending->queued_ns)
		add_sum(SWPROF_SUM_LEFT_OUT + (pending->queued_phase & 7), pending->queued_ns);
}

/* Records the CPU limit of a runnable thread as it stops running. */
static __always_inline void note_throttling(struct task_struct *task, struct thread *thread)
{
	if (!has_throttling())
		return;
	thread->limited_queue = (__u64)task->se.cfs_rq;
	thread->throttled_ns = throttled_time((struct cfs_rq *)thread->limited_queue);
	if (is_throttled(task))
		thread->phase = SWPROF_PHASE_THROTTLED;
}

/* Tells what of an interval of a thread that could go on it was throttled: the limit holds at its beginning, or comes.
 */
static __always_inline void split_by_throttling(struct thread *thread, struct pending *pending)
{
	__u64 throttled;

	if (!thread->limited_queue || (thread->phase != SWPROF_PHASE_THROTTLED && throttles_threads()))
		return;
	throttled = throttled_time((struct cfs_rq *)thread->limited_queue) - thread->throttled_ns;
	if (!throttled && thread->phase != SWPROF_PHASE_THROTTLED)
		return;
	if (throttled > pending->first_ns)
		throttled = pending->first_ns;
	if (thread->phase != SWPROF_PHASE_THROTTLED)
		pending->queued_phase = thread->phase;
	pending->phase = SWPROF_PHASE_THROTTLED;
	pending->queued_ns = pending->first_ns - throttled;
	pending->first_ns = throttled;
}

/* Ends the interval of a thread and puts it into `pending`. Returns whether it has any length. */
static __always_inline bool close_interval(struct thread *thread, struct swprof_window *window, __u64 now)
{
	struct pending *pending = &thread->pending;
	__u64 since = thread->since, woken = thread->woken;
	bool is_blocked = thread->phase == SWPROF_PHASE_BLOCKED;

	thread->since = 0;
	pending->flags = thread->flags;
	if (window->end_ns && now > window->end_ns) {
		now = window->end_ns;
		pending->flags |= SWPROF_INTERVAL_OPEN;
	}
	if (since >= now)
		return false;
	if (!is_blocked || !woken || woken > now)
		woken = now;
	if (woken < since)
		woken = since;
	pending->first_ns = woken - since;
	pending->queued_ns = now - woken;
	if (is_blocked && thread->queued < pending->queued_ns)
		pending->queued_ns = thread->queued;
	pending->phase = thread->phase;
	pending->queued_phase = SWPROF_PHASE_RUN_QUEUE;
	pending->state = thread->state;
	if (!is_blocked)
		split_by_throttling(thread, pending);
	pending->first_wanted = is_wanted(pending->phase, pending->state, pending->first_ns);
	pending->queued_wanted =
		pending->queued_ns && is_wanted(pending->queued_phase, pending->state, pending->queued_ns);
	pending->waker_user_stack = thread->waker_user_stack;
	pending->waker_kernel_stack = thread->waker_kernel_stack;
	pending->waker_tgid = thread->waker_tgid;
	pending->flags |= thread->waker_flags;
	thread->waker_user_stack = 0;
	thread->waker_kernel_stack = 0;
	thread->waker_tgid = 0;
	thread->waker_flags = 0;
	return true;
}

#endif
