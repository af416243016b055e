/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The processes that run CPython, as user space has found them. */
#ifndef SWPROF_TRACK_PYTHONS_BPF_H
#define SWPROF_TRACK_PYTHONS_BPF_H

#include "track/targets.bpf.h"
#include "abi/python.h"

/* Preallocated: perf_event programs look it up. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SWPROF_PYTHON_PROCESSES_MAX);
	__type(key, __u32); /* tgid as the caller's pid namespace numbers it */
	__type(value, struct swprof_python);
} pythons SEC(".maps");

/* Whether user space has ever put anything into `pythons`: an array costs less to look up than an empty table. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32); /* 0 or 1 */
} python_switch SEC(".maps");

static __always_inline bool has_pythons(void)
{
	__u32 zero = 0;
	__u32 *is_on = bpf_map_lookup_elem(&python_switch, &zero);

	return is_on && *is_on;
}

static __always_inline struct swprof_python *python_of(__u32 tgid)
{
	return has_pythons() ? bpf_map_lookup_elem(&pythons, &tgid) : NULL;
}

/* A child has its parent's memory. */
static __always_inline void inherit_python(struct task_struct *parent, struct task_struct *child)
{
	struct swprof_python *python;
	__u32 tgid;

	if (!has_pythons() || !is_group_leader(child))
		return;
	python = python_of(tgid_in_namespace(parent));
	tgid = number_in_namespace(child);
	if (python && tgid)
		bpf_map_update_elem(&pythons, &tgid, python, BPF_ANY);
}

static __always_inline void drop_python(__u32 tgid)
{
	if (has_pythons())
		bpf_map_delete_elem(&pythons, &tgid);
}

#endif
