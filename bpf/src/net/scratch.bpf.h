/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Scratch buffers: working memory for the data of one call, too large for the stack. */
#ifndef SWPROF_SCRATCH_BPF_H
#define SWPROF_SCRATCH_BPF_H

#include "proto/message.h"
#include "abi/network.h"

/* A number between 1 and a power of two, in a form that shows the bounds to the verifier. */
#define BOUNDED(number, limit) ((((number)-1) & ((limit)-1)) + 1)

typedef __u64 __attribute__((may_alias)) any_word;

/* How many vectors are fetched at once; a power of two. */
#define VECTORS_MAX 8

/* struct iovec */
struct vector {
	__u64 base;
	__u64 length;
};

/* Valid for one call only, but `is_taken`. */
struct scratch {
	__u32 is_taken; /* 0 or 1: of SCRATCH_LIBRARY */
	__u32 place; /* SCRATCH_* */
	struct parser_chunk chunk;
	__u64 now;
	__u64 base; /* the position of the chunk in its direction */
	__u64 address; /* of the data in the process's memory */
	__u64 position; /* bytes of the data that were read or skipped */
	__u64 length;
	__u32 offset; /* of the data in a packet */
	__u32 direction;
	__u32 wanted; /* first bytes of the data to send */
	__u32 chunks_left; /* chunks that may still be read */
	__u32 vector_count; /* vectors that are still to be read */
	__u64 vector_address; /* their address */
	__u64 vector_offset; /* bytes of the first one to leave out */
	__u64 vector_bytes; /* bytes in all of them, at most */
	__u8 is_beginning; /* 0 or 1: a message begins at the start of the chunk */
	__u8 is_recalled; /* 0 or 1: the head that has just ended was known */
	__u8 is_sending; /* 0 or 1: TCP has bytes of a call that has not ended, whose data is read at its end */
	__u8 is_kernel; /* 0 or 1: the vectors lie in the kernel's memory, which takes HAS_CASTS */
	struct vector vectors[VECTORS_MAX];
	struct swprof_request_sample sample;
	struct {
		struct swprof_payload head;
		__u8 bytes[SWPROF_PAYLOAD_MAX];
	} beginning;
};

enum {
	SCRATCH_CALL = 0, /* of tracepoints, which run to their end before another one does on the CPU */
	SCRATCH_LIBRARY = 1, /* of probes in processes, which other tasks may interrupt */
	SCRATCH_END = 2, /* of the end of a connection, which interrupts the others */
	SCRATCH_MAX = 3,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_MAX);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch_buffers SEC(".maps");

static __always_inline struct scratch *scratch_at(__u32 place)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratch_buffers, &place);

	if (scratch)
		scratch->place = place;
	return scratch;
}

/* New entries of tables, under construction: before 6.2, only memory of maps can be copied into maps. */
struct entries {
	struct swprof_endpoint endpoint;
	struct swprof_times times;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_MAX);
	__type(key, __u32);
	__type(value, struct entries);
} new_entries SEC(".maps");

static __always_inline struct entries *entries_of(struct scratch *scratch)
{
	__u32 place = scratch->place;

	return bpf_map_lookup_elem(&new_entries, &place);
}

static __always_inline struct scratch *current_scratch(void)
{
	return scratch_at(SCRATCH_CALL);
}

#endif
