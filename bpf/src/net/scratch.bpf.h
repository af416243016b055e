/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Scratch buffers: what the programs work with while they look at the data of one call. */
#ifndef SWPROF_SCRATCH_BPF_H
#define SWPROF_SCRATCH_BPF_H

#include "proto/message.h"
#include "swprof_network_abi.h"

/* A number that is known to lie between 1 and a power of two, in a form that the verifier knows it too. */
#define BOUNDED(number, limit) ((((number)-1) & ((limit)-1)) + 1)

typedef __u64 __attribute__((may_alias)) any_word;

/* How many vectors are fetched at once; a power of two. */
#define VECTORS_MAX 8

/* struct iovec */
struct vector {
	__u64 base;
	__u64 length;
};

/* What a look at some bytes needs; nothing of it outlasts the look. */
struct scratch {
	__u32 is_taken; /* 0 or 1: of SCRATCH_LIBRARY */
	__u32 place; /* PAYLOAD_* */
	struct parser_chunk chunk;
	__u64 now;
	__u64 base; /* the position of the chunk in its direction */
	__u64 address; /* of the data, where it lies in a process's memory */
	__u64 position; /* what of it was looked at */
	__u64 length;
	__u32 offset; /* of the data, where it lies in a packet */
	__u32 direction;
	__u32 wanted; /* bytes of its beginning that are to be sent */
	__u32 chunks_left; /* how many more are looked at */
	__u32 vector_count; /* of those that are still to be read: how many, */
	__u64 vector_address; /* where they are, */
	__u64 vector_offset; /* what is left out of the first one, */
	__u64 vector_bytes; /* and what they hold at most */
	__u8 is_beginning; /* 0 or 1: a message begins where the chunk does */
	__u8 is_recalled; /* 0 or 1: so does the head that has just ended, and it was known */
	__u8 is_sending; /* 0 or 1: TCP has taken bytes of a call that has not ended, and that are to be looked at then
			  */
	__u8 is_kernel; /* 0 or 1: the vectors lie in the kernel's memory, which takes HAS_CASTS */
	struct vector vectors[VECTORS_MAX];
	struct swprof_request_sample sample;
	struct {
		struct swprof_payload head;
		__u8 bytes[SWPROF_PAYLOAD_MAX];
	} beginning;
};

enum {
	SCRATCH_CALL = 0, /* of tracepoints, which run to their end before another program does on that CPU */
	SCRATCH_LIBRARY = 1, /* of probes in processes, which other tasks may come between */
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

/* New entries of tables are put together here: before 6.2, only memory of maps can be copied into maps. */
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
