/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The time that threads may not run because their control group has used up its CPU limit (cpu.max, cpu.cfs_quota_us).
 *
 * The kernel keeps, for each group and CPU, how long the group was throttled there, which bounds a thread's part of it.
 * Since 6.18 threads are throttled one by one, as they return to user mode, and each tells whether it is; before, all
 * that wait in the run queue of such a group are.
 */
#ifndef SWPROF_OFFCPU_THROTTLING_BPF_H
#define SWPROF_OFFCPU_THROTTLING_BPF_H

#include "track/targets.bpf.h"

/* Whether the kernel throttles threads one by one. */
static __always_inline bool throttles_threads(void)
{
	return bpf_core_field_exists(((struct task_struct *)0)->throttled);
}

/* Whether the kernel has CPU limits, and tells how long they have held. */
static __always_inline bool has_throttling(void)
{
	return bpf_core_field_exists(((struct cfs_rq *)0)->throttle_count) &&
	       (bpf_core_field_exists(((struct cfs_rq *)0)->throttled_clock_self_time) ||
		bpf_core_field_exists(((struct cfs_rq *)0)->throttled_clock_pelt_time));
}

#define MAX_RT_PRIO 100 /* include/linux/sched/prio.h: what is below it has no such limit */

/* Whether a task that leaves its CPU may not run on. */
static __always_inline bool is_throttled(struct task_struct *task)
{
	if (throttles_threads())
		return task->throttled;
	return task->prio >= MAX_RT_PRIO && task->se.cfs_rq->throttle_count > 0;
}

/* How long a group was throttled on a CPU up to now, ns: since 6.6 by the clock of the run queue. */
static __always_inline __u64 throttled_time(struct cfs_rq *queue)
{
	struct rq *rq = BPF_CORE_READ(queue, rq);
	__u64 sum, since;

	if (bpf_core_field_exists(queue->throttled_clock_self_time)) {
		sum = BPF_CORE_READ(queue, throttled_clock_self_time);
		since = BPF_CORE_READ(queue, throttled_clock_self);
		return since ? sum + BPF_CORE_READ(rq, clock) - since : sum;
	}
	sum = BPF_CORE_READ(queue, throttled_clock_pelt_time);
	if (!BPF_CORE_READ(queue, throttle_count))
		return sum;
	return sum + BPF_CORE_READ(rq, clock_pelt) - BPF_CORE_READ(rq, lost_idle_time) -
	       BPF_CORE_READ(queue, throttled_clock_pelt);
}

#endif
