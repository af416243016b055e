/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The vectors (struct iovec) of a call: fetched a few at a time, and read one after the other. */
#ifndef SWPROF_NET_VECTORS_BPF_H
#define SWPROF_NET_VECTORS_BPF_H

#include "connections.bpf.h"
#include "proto/parser.h"
#include "scratch.bpf.h"
#include "stream.bpf.h"

/* Fetches for all vectors of a call (UIO_MAXIOV). */
#define VECTOR_ROUNDS (1024 / VECTORS_MAX)

/*
 * An array of vectors in one number: its length, the offset in the first vector, and whether it is in the kernel's
 * memory, which takes HAS_CASTS.
 */
#define VECTORS(count, offset, is_kernel) ((__u64)(count) << 32 | (offset) << 1 | (is_kernel))
#define VECTOR_OFFSET_MAX (1U << 31)

/* Whether the parser can do without the next `count` bytes of a direction. */
static __always_inline bool is_body(struct connection *connection, __u32 direction, __u64 count)
{
	struct parser_stream *stream = &connection->streams[direction & 1];

	if (!parser_exists(connection->protocol))
		return false;
	if (parser_is_seeking(stream))
		return is_response(connection, direction & 1);
	return parser_skippable(stream) >= count;
}

/* Fetches the next vectors of a call. Returns how many. */
static __always_inline __u32 fetch_vectors(struct scratch *scratch)
{
	__u32 count = scratch->vector_count > VECTORS_MAX ? VECTORS_MAX : scratch->vector_count, size;
	const struct iovec *vector;

	size = BOUNDED(count * sizeof(struct vector), sizeof(scratch->vectors));
	if (scratch->is_kernel && HAS_CASTS) {
		for (__u32 i = 0; i < VECTORS_MAX && i < count; i++) {
			vector = CAST(struct iovec, scratch->vector_address + i * sizeof(struct iovec));
			scratch->vectors[i].base = (__u64)vector->iov_base;
			scratch->vectors[i].length = vector->iov_len;
		}
	} else if (bpf_probe_read_user(scratch->vectors, size, (void *)scratch->vector_address)) {
		return 0;
	}
	scratch->vector_address += count * sizeof(struct vector);
	scratch->vector_count -= count;
	return count;
}

/* Reads the next vectors of a call. Returns whether there may be more. */
__attribute__((noinline)) int read_some_vectors(struct connection *connection, struct scratch *scratch)
{
	__u64 length, offset;
	__u32 count;

	if (!connection || !scratch || !scratch->vector_count)
		return 0;
	count = fetch_vectors(scratch);
	if (!count)
		return 0;
	for (__u32 i = 0; i < VECTORS_MAX; i++) {
		if (i >= count || !scratch->vector_bytes)
			break;
		length = scratch->vectors[i].length;
		offset = scratch->vector_offset;
		if (length <= offset) {
			scratch->vector_offset = offset - length;
			continue;
		}
		length -= offset;
		if (length > scratch->vector_bytes)
			length = scratch->vector_bytes;
		scratch->vector_bytes -= length;
		scratch->vector_offset = 0;
		if (is_body(connection, scratch->direction, length))
			pass_over(connection, scratch, length);
		else
			read_memory(connection, scratch, scratch->vectors[i].base + offset, length);
	}
	return scratch->vector_bytes > 0;
}

/* Reads the vectors of a call. */
static __always_inline void read_vectors(struct connection *connection, struct scratch *scratch, __u64 vectors,
					 __u64 shape, __u64 total)
{
	scratch->vector_address = vectors;
	scratch->vector_count = shape >> 32;
	scratch->vector_offset = (__u32)shape >> 1;
	scratch->vector_bytes = total;
	scratch->is_kernel = shape & 1;
	for (int i = 0; i < VECTOR_ROUNDS; i++) {
		if (!read_some_vectors(connection, scratch))
			break;
	}
	if (scratch->vector_bytes)
		pass_over(connection, scratch, scratch->vector_bytes);
}

#endif
