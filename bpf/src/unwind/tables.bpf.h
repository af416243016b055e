/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The unwind tables: where they are, how an address finds its rule, and how processes come by them. */
#ifndef SWPROF_TABLES_BPF_H
#define SWPROF_TABLES_BPF_H

#include "track/program_starts.bpf.h"
#include "track/targets.bpf.h"
#include "abi/tables.h"

struct unwind_chunk {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SWPROF_CHUNK_LINES);
	/* Sizes, as the type description of a map within a map is left incomplete by the compiler. */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, SWPROF_LINE_SIZE);
};

/* All lines, a chunk each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SWPROF_CHUNKS_MAX);
	__type(key, __u32);
	__array(values, struct unwind_chunk);
} unwind_chunks SEC(".maps");

/* What code a process has mapped; processes whose mappings are not known yet are missing. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32); /* tgid as the caller's pid namespace numbers it */
	__type(value, struct swprof_code_map);
} code_maps SEC(".maps");

/* User space counts here how often it has changed `code_maps`, after each change. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} code_map_edition SEC(".maps");

static __always_inline struct swprof_line *line_at(__u32 line)
{
	__u32 chunk = line / SWPROF_CHUNK_LINES;
	__u32 place = line % SWPROF_CHUNK_LINES;
	void *lines = bpf_map_lookup_elem(&unwind_chunks, &chunk);

	return lines ? bpf_map_lookup_elem(lines, &place) : NULL;
}

#define ROWS_PER_LINE (SWPROF_LINE_SIZE / sizeof(__u32))
#define RULES_PER_LINE (SWPROF_LINE_SIZE / sizeof(struct swprof_unwind_rule))
#define PAGES_PER_LINE (SWPROF_LINE_SIZE / sizeof(struct swprof_unwind_page))
#define RANGES_PER_LINE (SWPROF_LINE_SIZE / sizeof(struct swprof_code_range))
/* Any number of code ranges that a process can have. */
#define RANGE_STEPS 17
/* A page has at most a row for each of its bytes. */
#define LINE_STEPS 9
#define ROW_STEPS 5

static __always_inline struct swprof_code_range *range_at(__u32 first, __u32 index)
{
	struct swprof_line *line = line_at(first + index / RANGES_PER_LINE);

	return line ? &((struct swprof_code_range *)line)[index % RANGES_PER_LINE] : NULL;
}

/* What is known of the code of a process; NULL where it has not been published, or is that of an earlier program. */
static __always_inline struct swprof_code_map *code_map_of(__u32 tgid)
{
	struct swprof_code_map *map = bpf_map_lookup_elem(&code_maps, &tgid);

	return map && is_of_this_program(map, tgid) ? map : NULL;
}

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
	if (is_last_thread(task))
		drop_code_map(tgid_in_namespace(task));
	return 0;
}

#endif
