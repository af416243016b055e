// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* On-CPU profiling: one sample for each timer tick that finds a target running. */
#include "oncpu/stack_copies.bpf.h"
#include "track/processes.bpf.h"
#include "unwind/user_stacks.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 21); /* set before load */
} samples SEC(".maps");

/* Why this CPU wakes user space at once. */
enum {
	WAKEUP_MAPPINGS = 0, /* a stack ended outside known code */
	WAKEUP_PYTHON = 1, /* Python code was executed whose name is still to be read */
	WAKEUP_MAX = 2,
};

/* When it has done so. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WAKEUP_MAX);
	__type(key, __u32);
	__type(value, __u64);
} wakeups SEC(".maps");

/* Programs whose stacks always end so are not to wake it for each of them. */
#define WAKEUP_DISTANCE_NS 50000000
/* A program that starts executes new code in each sample. */
#define PYTHON_WAKEUP_DISTANCE_NS 4000000

/* Whether user space was not woken for a reason within a distance; if so, it counts as woken. */
static __always_inline bool is_wakeup_due(__u32 reason, __u64 now, __u64 distance)
{
	__u64 *last = bpf_map_lookup_elem(&wakeups, &reason);

	if (!last || now - *last < distance)
		return false;
	*last = now;
	return true;
}

/* Whether user space is to read the process's mappings again, at once: no event may have announced them. */
static __always_inline bool may_lack_mappings(const struct swprof_sample *sample)
{
	if (sample->user_end != SWPROF_STACK_UNMAPPED && sample->user_end != SWPROF_STACK_NO_FRAME_POINTER &&
	    sample->user_end != SWPROF_STACK_CORRUPT)
		return false;
	return is_wakeup_due(WAKEUP_MAPPINGS, sample->time_ns, WAKEUP_DISTANCE_NS);
}

/* Whether user space is to read names of Python code at once: their process may end soon. */
static __always_inline bool has_new_code(const struct swprof_sample *sample)
{
	if (!sample->python_words || !has_new_python_code() ||
	    !is_wakeup_due(WAKEUP_PYTHON, sample->time_ns, PYTHON_WAKEUP_DISTANCE_NS))
		return false;
	forget_new_python_code();
	return true;
}

/* Kernel text lies in the upper half of the address space on every 64-bit architecture. */
static __always_inline bool is_kernel_address(__u64 address)
{
	return (__s64)address < 0;
}

static __always_inline void take_user_stack(struct bpf_perf_event_data *context, struct task_struct *task,
					    struct scratch *scratch)
{
	bool has_python;

	if (!is_kernel_address(arch_ip(&context->regs)))
		__builtin_memcpy(&scratch->regs, &context->regs, sizeof(scratch->regs));
	else if (read_user_registers(scratch, task))
		return;
	has_python = prepare_python(scratch->sample.tgid);
	walk_user_stack(scratch, scratch->sample.tgid);
	scratch->sample.user_frames = scratch->walk.count;
	scratch->sample.user_end = scratch->walk.end;
	if (!has_python)
		return;
	scratch->sample.python_words = walk_python(arch_thread_pointer(task), scratch->sample.user_frames);
	place_python();
	scratch->sample.gil = python_gil();
}

static __always_inline void take_kernel_stack(struct bpf_perf_event_data *context, struct scratch *scratch)
{
	__u32 first = scratch->sample.user_frames + scratch->sample.python_words;
	long size;

	if (first > USER_SIDE_MAX)
		return;
	size = bpf_get_stack(context, &scratch->frames[first], SWPROF_KERNEL_FRAMES_MAX * sizeof(__u64), 0);
	if (size <= 0) {
		scratch->sample.kernel_end = SWPROF_STACK_UNREADABLE;
		return;
	}
	scratch->sample.kernel_frames = size / sizeof(__u64);
	scratch->sample.kernel_end = scratch->sample.kernel_frames >= SWPROF_KERNEL_FRAMES_MAX ? SWPROF_STACK_TOO_DEEP
											       : SWPROF_STACK_COMPLETE;
}

/* Returns 0 when the sample is on its way, with a copy of its stack. */
static __always_inline int submit_copy(void)
{
	__u64 size = copy_stack();
	struct stack_copy *copy;
	__u32 zero = 0;

	copy = bpf_map_lookup_elem(&stack_copies, &zero);
	if (!copy || size < sizeof(copy->sample))
		return 1;
	/* Before 6.13 the verifier does not see the limit in one comparison for both. */
	barrier_var(size);
	if (size > sizeof(*copy))
		return 1;
	return bpf_ringbuf_output(&samples, copy, size, BPF_RB_FORCE_WAKEUP) != 0;
}

static __always_inline void submit(struct scratch *scratch)
{
	__u64 frames = scratch->sample.user_frames + scratch->sample.python_words + scratch->sample.kernel_frames;
	__u64 size = sizeof(scratch->sample) + frames * sizeof(__u64);
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (size > sizeof(scratch->sample) + sizeof(scratch->frames))
		return;
	/* A table that is missing is built the sooner, and a name read while it can be. */
	if (scratch->sample.user_end == SWPROF_STACK_NOT_READY || may_lack_mappings(&scratch->sample) ||
	    has_new_code(&scratch->sample) || bpf_ringbuf_query(&samples, BPF_RB_AVAIL_DATA) >= config.wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&samples, &scratch->sample, size, flags))
		count(SWPROF_COUNTER_RING_BUFFER_FULL);
}

SEC("perf_event")
int on_cpu_tick(struct bpf_perf_event_data *context)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	bool has_user = has_user_stack(task);
	struct scratch *scratch;
	__u32 tgid;

	if (BPF_CORE_READ(task, pid) == 0)
		return 0;
	tgid = tgid_in_namespace(task);
	if (!tgid || !is_target(tgid))
		return 0;
	if (!has_user && !(config.sides & SWPROF_SIDE_KERNEL))
		return 0;
	count(SWPROF_COUNTER_TICKS);
	scratch = current_scratch();
	if (!scratch)
		return 0;
	__builtin_memset(&scratch->sample, 0, sizeof(scratch->sample));
	scratch->sample.time_ns = bpf_ktime_get_ns();
	scratch->sample.tgid = tgid;
	scratch->sample.tid = number_in_namespace(task);
	scratch->sample.cpu = bpf_get_smp_processor_id();
	bpf_get_current_comm(scratch->sample.comm, sizeof(scratch->sample.comm));
	BPF_CORE_READ_INTO(&scratch->sample.process_comm, task, group_leader, comm);
	if (has_user && config.sides & SWPROF_SIDE_USER)
		take_user_stack(context, task, scratch);
	if (config.sides & SWPROF_SIDE_KERNEL && is_kernel_address(arch_ip(&context->regs)))
		take_kernel_stack(context, scratch);
	/* Of all processes, many files have no table at first, and are not worth the room. */
	if (scratch->sample.user_end != SWPROF_STACK_NOT_READY || config.scope != SWPROF_SCOPE_TARGETS || submit_copy())
		submit(scratch);
	/* In place: the thread stops on its way back to user mode, before another instruction of its own. */
	if (config.stop_sampled)
		bpf_send_signal_thread(SIGSTOP);
	return 0;
}
