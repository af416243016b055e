/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When each process began the program that it runs. User space publishes mappings a moment after the events that
 * announce them. If the process has executed another program meanwhile, these mappings are not used.
 */
#ifndef SWPROF_TRACK_PROGRAM_STARTS_BPF_H
#define SWPROF_TRACK_PROGRAM_STARTS_BPF_H

#include "track/targets.bpf.h"
#include "abi/tables.h"

/* Processes that have not been seen to begin a program are missing. User space adds those whose mappings it reads. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32); /* tgid as the caller's pid namespace numbers it */
	__type(value, struct swprof_program_start);
} program_starts SEC(".maps");

/* Notes that a process has been forked. */
static __always_inline void begin_process(__u32 tgid)
{
	struct swprof_program_start start = {};

	start.last_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&program_starts, &tgid, &start, BPF_ANY);
}

/* Notes that a process has executed a program. */
static __always_inline void begin_program(__u32 tgid)
{
	struct swprof_program_start start = {}, *known = bpf_map_lookup_elem(&program_starts, &tgid);

	if (!known && config.scope == SWPROF_SCOPE_TARGETS && !bpf_map_lookup_elem(&targets, &tgid))
		return;
	start.last_ns = bpf_ktime_get_ns();
	if (known)
		start.previous_ns = known->last_ns;
	bpf_map_update_elem(&program_starts, &tgid, &start, BPF_ANY);
}

/*
 * Whether mappings are of the program that a process runs. The record of an exec is older than its tracepoint, and
 * younger than the tracepoint before.
 */
static __always_inline bool is_of_this_program(const struct swprof_code_map *map, __u32 tgid)
{
	const struct swprof_program_start *start = bpf_map_lookup_elem(&program_starts, &tgid);

	return !start || map->program_ns > start->previous_ns;
}

#endif
