/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel side's HTTP parser, compiled for the host. */
#ifndef CHTTP_H
#define CHTTP_H

#include "../../../bpf/src/net/proto/parser.h"

int chttp_next(struct parser_stream *stream, struct parser_chunk *chunk, struct http_head *head, __u32 is_response);

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

/* What became of conversations made up at random. */
struct chttp_pairs {
	__u64 made; /* exchanges */
	__u64 requests; /* that were found */
	__u64 false_requests; /* that were none */
	__u64 paired; /* with an answer, whole or in part */
	__u64 whole;
	__u64 unpaired;
	__u64 waiting; /* in the end */
	__u64 orphans; /* answers */
	__u64 mispaired; /* with the answer of another request, or with what is none */
	__u64 missed; /* requests that have no answer though it was seen, and nothing was in doubt */
};

/* Bits of a kind of conversations. */
enum chttp_kind {
	CHTTP_PIPELINED = 1,
	CHTTP_RACES = 2, /* requests are looked at before the end of the answer before them */
	CHTTP_LOST_REQUESTS = 4, /* parts of them */
	CHTTP_LOST_ANSWERS = 8,
};

/* Reads that many conversations, parts of which are lost. */
struct chttp_pairs chttp_pair(__u32 rounds, __u32 kind, __u64 seed);

/* Reads a stream of messages that many times over in whole chunks; returns how many messages were found. */
__u64 chttp_repeat(const __u8 *bytes, __u32 size, __u32 is_response, __u32 rounds);

#endif
