/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of each thread of the targets. */
#ifndef SWPROF_OFFCPU_THREADS_BPF_H
#define SWPROF_OFFCPU_THREADS_BPF_H

#include "track/targets.bpf.h"
#include "abi/offcpu.h"

const volatile struct swprof_off_cpu_config off_cpu SEC(".rodata.off_cpu") = {};

/* Intervals that have ended, or most of them, and wait for their user stack. */
struct pending {
	__u64 kernel_stack;
	__u64 waker_user_stack;
	__u64 waker_kernel_stack;
	__u64 first_ns;
	__u64 queued_ns;
	__u32 waker_tgid;
	__u8 phase;
	__u8 state;
	__u8 flags;
	__u8 first_wanted;
	__u8 queued_wanted;
	__u8 queued_phase;
};

#define NOT_KNOWN (~0ULL)

/* Whether a thread has a cache of its last stacks. */
enum {
	CACHE_NONE = 0,
	CACHE_WANTED = 1,
	CACHE_KEPT = 2,
};

/* The state of a thread of a target. */
struct thread {
	__u64 since; /* when it stopped running; 0: it runs */
	__u64 woken; /* 0: not yet, or `queue_times` has it */
	__u64 run_delay; /* sched_info.run_delay when it stopped running */
	__u64 clock_offset; /* CLOCK_MONOTONIC - the clock of its run queue, then */
	__u64 queued; /* how long it was in run queues then, by the kernel's account; NOT_KNOWN where that has none */
	__u64 limited_queue; /* the struct cfs_rq that it could not be blocked in; 0: none, or it was */
	__u64 throttled_ns; /* throttled_time() of that when it stopped running */
	__u64 user_stack; /* taken when it stopped running */
	__u64 waker_user_stack;
	__u64 waker_kernel_stack;
	__u32 waker_tgid;
	__u32 tgid;
	__u32 tid;
	__u8 phase;
	__u8 state;
	__u8 flags;
	__u8 waker_flags;
	__u8 has_user;
	__u8 has_pending;
	__u8 has_ended;
	__u8 cache; /* CACHE_* */
	__u8 has_work; /* the kernel is to call us before it returns to user mode */
	struct pending pending;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct work {
	struct bpf_task_work work;
};

/* What the kernel needs to call us in a thread. Preallocated: entries are made while run queues are locked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set before load, where it is used */
	__type(key, __u32); /* the thread */
	__type(value, struct work);
} works SEC(".maps");

extern int bpf_task_work_schedule_resume_impl(struct task_struct *task, struct bpf_task_work *work, void *map__map,
					      int (*callback)(struct bpf_map *map, void *key, void *value),
					      void *aux__prog) __ksym __weak;
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/* Preallocated: it grows while run queues are locked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 16); /* set before load */
	__type(key, struct swprof_interval_key);
	__type(value, struct swprof_interval_sum);
} intervals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SWPROF_SUM_MAX);
	__type(key, __u32); /* enum swprof_sum_index */
	__type(value, struct swprof_sum);
} sums SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct swprof_window);
} window SEC(".maps");

static __always_inline void add_sum(__u32 index, __u64 ns)
{
	struct swprof_sum *sum = bpf_map_lookup_elem(&sums, &index);

	if (sum) {
		sum->count += 1;
		sum->ns += ns;
	}
}

static __always_inline struct swprof_window *current_window(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&window, &zero);
}

/* The state of a task; NULL if it is not measured. Most tasks have no storage of any program, which costs one look. */
static __always_inline struct thread *thread_of(struct task_struct *task)
{
	if (bpf_core_field_exists(task->bpf_storage) && !task->bpf_storage)
		return NULL;
	return bpf_task_storage_get(&threads, task, 0, 0);
}

static __always_inline __u32 task_state(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((struct task_struct___before_5_14 *)task, state);
}

/* The letter that ps(1) has for a state. */
static __always_inline char state_letter(__u32 state)
{
	if (state & TASK_INTERRUPTIBLE)
		return 'S';
	if (state & TASK_UNINTERRUPTIBLE)
		return state & TASK_NOLOAD ? 'I' : 'D';
	if (state & TASK_STOPPED)
		return 'T';
	if (state & TASK_TRACED)
		return 't';
	if (state & TASK_PARKED)
		return 'P';
	return 'D';
}

/* Begins to measure a task. */
static __always_inline struct thread *adopt(struct task_struct *task, __u32 tgid)
{
	struct thread *thread = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!thread) {
		count(SWPROF_COUNTER_THREAD_TABLE_FULL);
		return NULL;
	}
	thread->tgid = tgid;
	thread->tid = number_in_namespace(task);
	thread->has_user = has_user_stack(task);
	thread->queued = NOT_KNOWN;
	return thread;
}

/* Whether a task belongs to the targets. Of a control group, only the current task can be asked. */
static __always_inline bool is_in_scope(struct task_struct *task, __u32 tgid)
{
	if (!tgid || task->pid == 0)
		return false;
	if (config.scope == SWPROF_SCOPE_ALL)
		return off_cpu.kernel_threads || !(task->flags & PF_KTHREAD);
	return is_listed(tgid);
}

#endif
