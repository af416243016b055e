/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The time that threads do not run: what is kept of each of them, how its intervals begin and end, and their sums by
 * stack, phase and state.
 */
#ifndef SWPROF_INTERVALS_BPF_H
#define SWPROF_INTERVALS_BPF_H

#include "offcpu/throttling.bpf.h"
#include "abi/offcpu.h"
#include "arch/arch.h"

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

/* Whether a thread's stacks are kept for when they repeat. */
enum {
	REPEATS_NONE = 0,
	REPEATS_WANTED = 1,
	REPEATS_KEPT = 2,
};

/* Of each thread of a target. */
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
	__u8 repeats; /* REPEATS_* */
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

/* What is kept of a task. Most tasks have nothing that a program keeps of them, and are told from the others at once.
 */
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

/* Makes a task one whose time is taken. */
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

/* Sums up what waits for its user stack. */
static __attribute__((noinline)) void settle(struct thread *thread, __u64 user_stack)
{
	thread->has_pending = 0;
	if (thread->pending.first_wanted)
		add_interval(thread, user_stack, thread->pending.phase, thread->pending.first_ns);
	if (thread->pending.queued_wanted)
		add_interval(thread, user_stack, thread->pending.queued_phase, thread->pending.queued_ns);
}

/* Counts what of an interval is not wanted. */
static __always_inline void count_left_out(struct pending *pending)
{
	if (!pending->first_wanted)
		add_sum(SWPROF_SUM_LEFT_OUT + (pending->phase & 7), pending->first_ns);
	if (!pending->queued_wanted && pending->queued_ns)
		add_sum(SWPROF_SUM_LEFT_OUT + (pending->queued_phase & 7), pending->queued_ns);
}

/* Notes how a thread that could go on is held back by a CPU limit as it stops running. */
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

/* The form that sched_switch has since 5.18; its last argument is the state of the task that leaves. */
typedef void (*btf_trace_sched_switch___with_state)(void *, bool, struct task_struct *, struct task_struct *,
						    unsigned int);

static __always_inline bool switch_has_state(void)
{
	return off_cpu.switch_state && bpf_core_type_matches(btf_trace_sched_switch___with_state);
}

/*
 * Ends the interval of the current thread, which has run since `now` although no switch to it was seen: the kernel does
 * not run our programs in every context.
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
		/* It has run since, and nobody knows from when on. */
		count(SWPROF_COUNTER_SWITCH_MISSED);
	}
	/* It waits again before it left the system call; or its return was not seen, and it may be anywhere by now. */
	if (thread->has_pending)
		settle(thread, off_cpu.switch_exit ? SWPROF_STACK_ID_LOST : repeated_user_stack(thread->tgid));
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
			thread->user_stack = repeated_user_stack(thread->tgid);
	}
	note_queue_time(task, thread, now);
	thread->since = now;
}

/* The current thread has come back from a wait, and has its user stack as it was. */
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
	if (thread->repeats == REPEATS_WANTED) {
		bpf_task_storage_get(&repeats, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		thread->repeats = REPEATS_KEPT;
	}
	if (thread->has_pending)
		settle(thread, repeated_user_stack(thread->tgid));
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
	if (!thread->repeats)
		thread->repeats = REPEATS_WANTED;
	thread->pending.kernel_stack = SWPROF_STACK_ID_NONE;
	if (config.sides & SWPROF_SIDE_KERNEL)
		thread->pending.kernel_stack =
			thread->has_user ? repeated_kernel_stack(task) : kernel_stack_of(task, KERNEL_STACK_SWITCH);
	if (!thread->has_user || !(config.sides & SWPROF_SIDE_USER) || thread->user_stack != SWPROF_STACK_ID_NONE)
		settle(thread, thread->user_stack);
	else if (off_cpu.task_work && !wait_for_return(task, thread))
		settle(thread, SWPROF_STACK_ID_LOST);
	else
		thread->has_pending = 1;
}

#endif
