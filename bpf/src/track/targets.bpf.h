/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The targets of a capture, and how processes are numbered. Shared by all kinds of capture. */
#ifndef SWPROF_TRACK_TARGETS_BPF_H
#define SWPROF_TRACK_TARGETS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "abi/common.h"

const volatile struct swprof_config config SEC(".rodata.config") = {};

/* The targets' tgids, as the caller's pid namespace numbers them. Preallocated: perf_event programs look it up. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u8);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SWPROF_COUNTER_MAX);
	__type(key, __u32); /* enum swprof_counter */
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		*value += 1;
}

/* How much deeper the caller's pid namespace may be than its /proc can show, which is mounted within one. */
#define HIDDEN_LEVELS_MAX 4

/* The number that a struct pid has in the caller's pid namespace; 0 where it has none there. */
static __always_inline __u32 pid_in_namespace(struct pid *pid)
{
	__u32 level = config.pid_level, deepest;
	struct upid number = {};

	if (!pid)
		return 0;
	if (level == 0)
		return BPF_CORE_READ(pid, numbers[0].nr);
	deepest = BPF_CORE_READ(pid, level);
	for (__u32 i = 0; i <= HIDDEN_LEVELS_MAX && level <= deepest; i++, level++) {
		bpf_core_read(&number.ns, sizeof(number.ns), &pid->numbers[level].ns);
		if (BPF_CORE_READ(number.ns, ns.inum) != config.pid_namespace)
			continue;
		bpf_core_read(&number.nr, sizeof(number.nr), &pid->numbers[level].nr);
		return number.nr;
	}
	return 0;
}

/* The number of a task in the caller's pid namespace; 0 where it has none there. */
static __always_inline __u32 number_in_namespace(struct task_struct *task)
{
	if (config.pid_level == 0)
		return BPF_CORE_READ(task, pid);
	return pid_in_namespace(BPF_CORE_READ(task, thread_pid));
}

static __always_inline __u32 tgid_in_namespace(struct task_struct *task)
{
	return number_in_namespace(BPF_CORE_READ(task, group_leader));
}

/* Whether a process is in the table of targets and runs what is to be captured. */
static __always_inline bool is_listed(__u32 tgid)
{
	const __u8 *target = bpf_map_lookup_elem(&targets, &tgid);

	return target && *target != SWPROF_TARGET_HELD;
}

static __always_inline bool is_target(__u32 tgid)
{
	switch (config.scope) {
	case SWPROF_SCOPE_ALL:
		return true;
	case SWPROF_SCOPE_CGROUP:
		return bpf_current_task_under_cgroup(&cgroups, 0) == 1;
	default:
		return is_listed(tgid);
	}
}

static __always_inline void add_target(__u32 tgid)
{
	__u8 present = SWPROF_TARGET_PRESENT;

	if (tgid && bpf_map_update_elem(&targets, &tgid, &present, BPF_ANY))
		count(SWPROF_COUNTER_TARGET_TABLE_FULL);
}

/* Whether a task has a user stack: kernel threads have none, nor have the workers that the kernel gives a process. */
static __always_inline bool has_user_stack(struct task_struct *task)
{
	return !(BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER));
}

static __always_inline bool is_group_leader(struct task_struct *task)
{
	return BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid);
}

/* Whether an exiting task is the last of its thread group. */
static __always_inline bool is_last_thread(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) == 0;
}

/* Whether targets are found by name, and this is theirs. */
static __always_inline bool is_target_name(const char *name)
{
	if (config.scope != SWPROF_SCOPE_TARGETS || !config.comm[0])
		return false;
	for (int i = 0; i < SWPROF_COMM_SIZE; i++) {
		if (name[i] != config.comm[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

/* What the begin and the end of processes mean for the targets. Returns whether the child is one. */
static __always_inline bool follow_fork(struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid;

	if (config.scope != SWPROF_SCOPE_TARGETS || !config.follow_children || !is_group_leader(child))
		return false;
	tgid = tgid_in_namespace(parent);
	if (!bpf_map_lookup_elem(&targets, &tgid))
		return false;
	add_target(number_in_namespace(child));
	count(SWPROF_COUNTER_CHILDREN);
	return true;
}

/* Returns whether the process has become a target by its name. */
static __always_inline bool follow_exec(struct task_struct *task)
{
	char comm[SWPROF_COMM_SIZE] = {};
	__u32 tgid = tgid_in_namespace(task);
	__u8 *target = bpf_map_lookup_elem(&targets, &tgid);

	if (target)
		*target = SWPROF_TARGET_PRESENT;
	bpf_get_current_comm(comm, sizeof(comm));
	if (!is_target_name(comm))
		return false;
	add_target(tgid);
	return tgid != 0;
}

/* A process may take a name without a new program: prctl(2), PR_SET_NAME. Returns whether that makes it a target. */
static __always_inline bool follow_rename(struct task_struct *task, const char *name)
{
	char comm[SWPROF_COMM_SIZE] = {};
	__u32 tgid;

	if (!config.comm[0] || !is_group_leader(task))
		return false;
	bpf_probe_read_kernel_str(comm, sizeof(comm), name);
	if (!is_target_name(comm))
		return false;
	tgid = tgid_in_namespace(task);
	add_target(tgid);
	return tgid != 0;
}

/* The leader of a thread group may exit first; the group is gone when its last thread is. */
static __always_inline void follow_exit(struct task_struct *task)
{
	__u32 tgid;

	if (config.scope != SWPROF_SCOPE_TARGETS || !is_last_thread(task))
		return;
	tgid = tgid_in_namespace(task);
	bpf_map_delete_elem(&targets, &tgid);
}

#endif
