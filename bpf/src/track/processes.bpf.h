/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Follows processes: which ones become targets, which code they have, and when they end. Each capture that walks stacks
 * attaches these programs.
 *
 * All kinds of capture have the same maps of processes: targets, cgroups, program_starts, code_maps, code_map_edition,
 * code_files, unwind_chunks, pythons, python_switch. Kinds that run together share them (bpf_map__reuse_fd()), and one
 * kind attaches these programs. scripts/test-maps loads all kinds this way. All other maps belong to one kind.
 */
#ifndef SWPROF_TRACK_PROCESSES_BPF_H
#define SWPROF_TRACK_PROCESSES_BPF_H

#include "track/program_starts.bpf.h"
#include "track/pythons.bpf.h"
#include "track/targets.bpf.h"
#include "unwind/tables.bpf.h"

/* A child has its parent's memory; its own mappings are published later. */
static __always_inline void inherit_code_map(struct task_struct *parent, struct task_struct *child, bool is_target)
{
	__u32 tgid = number_in_namespace(child);
	struct swprof_code_map *map;

	if (config.unwind != SWPROF_UNWIND_TABLES || !is_group_leader(child) || !tgid)
		return;
	map = code_map_of(tgid_in_namespace(parent));
	if (map || is_target || config.scope != SWPROF_SCOPE_TARGETS)
		begin_process(tgid);
	if (map)
		bpf_map_update_elem(&code_maps, &tgid, map, BPF_ANY);
}

static __always_inline void drop_code_map(__u32 tgid)
{
	if (config.unwind == SWPROF_UNWIND_TABLES)
		bpf_map_delete_elem(&code_maps, &tgid);
}

/*
 * Programs on raw tracepoints read what they are given like any kernel memory: to check a pointer of a known type, the
 * kernel searches all its types by name. There is one at each tracepoint: it takes the kernel a grace period to take a
 * second one off again.
 */
SEC("raw_tp/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	inherit_code_map(parent, child, follow_fork(parent, child));
	inherit_python(parent, child);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	__u32 tgid = tgid_in_namespace(task);

	follow_exec(task);
	if (config.unwind == SWPROF_UNWIND_TABLES)
		begin_program(tgid);
	drop_code_map(tgid);
	drop_python(tgid);
	return 0;
}

/* Before the name is set; on exec too. */
SEC("raw_tp/task_rename")
int BPF_PROG(process_rename, struct task_struct *task, const char *name)
{
	follow_rename(task, name);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	follow_exit(task);
	if (is_last_thread(task)) {
		drop_code_map(tgid_in_namespace(task));
		drop_python(tgid_in_namespace(task));
	}
	return 0;
}

#endif
