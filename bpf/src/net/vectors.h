/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The data of a call that lies in several places: its vectors, fetched some at a time and read one after the other. */
#ifndef SWPROF_VECTORS_BPF_H
#define SWPROF_VECTORS_BPF_H

#include "stream.h"

/* Vectors of a call (UIO_MAXIOV), by as many as are fetched at once. */
#define VECTOR_ROUNDS (1024 / VECTORS_MAX)

/*
 * An array of vectors: its length, the offset in the first one, and whether it lies in the kernel's memory,
 * which takes HAS_CASTS.
 */
#define VECTORS(count, offset, is_kernel) ((__u64)(count) << 32 | (offset) << 1 | (is_kernel))
#define VECTOR_OFFSET_MAX (1U << 31)

/* Whether the next bytes of a direction are all of a body, or of no use. */
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
static __always_inline __u32 fetch_vectors(struct payload *payload)
{
	__u32 count = payload->vector_count > VECTORS_MAX ? VECTORS_MAX : payload->vector_count, size;
	const struct iovec *vector;

	size = BOUNDED(count * sizeof(struct vector), sizeof(payload->vectors));
	if (payload->is_kernel && HAS_CASTS) {
		for (__u32 i = 0; i < VECTORS_MAX && i < count; i++) {
			vector = CAST(struct iovec, payload->vector_address + i * sizeof(struct iovec));
			payload->vectors[i].base = (__u64)vector->iov_base;
			payload->vectors[i].length = vector->iov_len;
		}
	} else if (bpf_probe_read_user(payload->vectors, size, (void *)payload->vector_address)) {
		return 0;
	}
	payload->vector_address += count * sizeof(struct vector);
	payload->vector_count -= count;
	return count;
}

/* Reads the next vectors of a call. Returns whether there may be more. */
__attribute__((noinline)) int read_some_vectors(struct connection *connection, struct payload *payload)
{
	__u64 length, offset;
	__u32 count;

	if (!connection || !payload || !payload->vector_count)
		return 0;
	count = fetch_vectors(payload);
	if (!count)
		return 0;
	for (__u32 i = 0; i < VECTORS_MAX; i++) {
		if (i >= count || !payload->vector_bytes)
			break;
		length = payload->vectors[i].length;
		offset = payload->vector_offset;
		if (length <= offset) {
			payload->vector_offset = offset - length;
			continue;
		}
		length -= offset;
		if (length > payload->vector_bytes)
			length = payload->vector_bytes;
		payload->vector_bytes -= length;
		payload->vector_offset = 0;
		if (is_body(connection, payload->direction, length))
			pass_over(connection, payload, length);
		else
			read_memory(connection, payload, payload->vectors[i].base + offset, length);
	}
	return payload->vector_bytes > 0;
}

/* Reads the vectors of a call. */
static __always_inline void read_vectors(struct connection *connection, struct payload *payload, __u64 vectors,
					 __u64 shape, __u64 total)
{
	payload->vector_address = vectors;
	payload->vector_count = shape >> 32;
	payload->vector_offset = (__u32)shape >> 1;
	payload->vector_bytes = total;
	payload->is_kernel = shape & 1;
	for (int i = 0; i < VECTOR_ROUNDS; i++) {
		if (!read_some_vectors(connection, payload))
			break;
	}
	if (payload->vector_bytes)
		pass_over(connection, payload, payload->vector_bytes);
}

#endif
