/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel side's HTTP parser, compiled for the host. */
#ifndef CHTTP_H
#define CHTTP_H

#include "../../../bpf/src/http.h"

int chttp_step(struct http_stream *stream, struct http_chunk *chunk, struct http_head *head, __u32 is_response);

/* What a parser did that it must not do. */
enum chttp_fault {
	CHTTP_NONE = 0,
	CHTTP_ENDLESS, /* more steps than its bytes allow */
	CHTTP_OVERRUN, /* its position is behind the end of the chunk, or bytes were left over */
	CHTTP_SCRIBBLED, /* memory beside its own changed */
	CHTTP_DEAF, /* a good message after it was told to resume was not read */
};

/*
 * Damages copies of a stream of messages at random, and reads each in random pieces, then the stream as it is.
 * `message_count` of the latter is what must be found. Returns the first fault.
 */
enum chttp_fault chttp_fuzz(const __u8 *bytes, __u32 size, __u32 is_response, __u32 message_count, __u32 rounds,
			    __u64 seed);

/* Reads a stream of messages that many times over in whole chunks; returns how many messages were found. */
__u64 chttp_repeat(const __u8 *bytes, __u32 size, __u32 is_response, __u32 rounds);

#endif
