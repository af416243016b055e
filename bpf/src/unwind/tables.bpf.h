/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of unwind tables, and of the code ranges of processes. */
#ifndef SWPROF_UNWIND_TABLES_BPF_H
#define SWPROF_UNWIND_TABLES_BPF_H

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

/* The code ranges of each process. A process whose mappings are not known yet has no entry. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32); /* tgid as the caller's pid namespace numbers it */
	__type(value, struct swprof_code_map);
} code_maps SEC(".maps");

/* The generation of `code_maps`: user space increments it after each change. */
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

/* The code ranges of a process; NULL if they are not published, or belong to an earlier program. */
static __always_inline struct swprof_code_map *code_map_of(__u32 tgid)
{
	struct swprof_code_map *map = bpf_map_lookup_elem(&code_maps, &tgid);

	return map && is_of_this_program(map, tgid) ? map : NULL;
}

#endif
