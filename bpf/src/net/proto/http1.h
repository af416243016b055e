/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The parser of HTTP/1.0 and 1.1 (RFC 9112): finds where messages begin and end in a byte stream, and reads the parts
 * of their heads that name a request and frame its body. parser.h says how it is called.
 *
 * For the verifier, all state lies in memory. The verifier forgets values there, so the paths through a loop's body
 * meet again. Functions with many paths are global, and checked once. On 6.18, the verifier follows 50,000 instructions
 * for http1_step() and all that it calls.
 */
#ifndef SWPROF_NET_PROTO_HTTP1_H
#define SWPROF_NET_PROTO_HTTP1_H

#include "http1_body.h"
#include "http1_fields.h"
#include "http1_start_line.h"

/*
 * Advances through chunk->bytes[position..length) to the next event. Each phase starts where the one before it ended,
 * which may be the end of the chunk. Each iteration of their loops takes at least one byte, or is the last.
 */
CHECKED_ONCE int http1_step(struct http1_stream *stream, struct parser_chunk *chunk, struct http_head *head,
			    __u32 is_response)
{
	int event = PARSER_MORE;

	if (!stream || !chunk || !head)
		return PARSER_LOST;
	if (stream->state == HTTP1_START) {
		event = http1_find_start(stream, chunk, head, is_response);
		if (stream->state != HTTP1_PREAMBLE)
			return event;
	}
	if (stream->state >= HTTP1_LENGTH)
		return http1_pass(stream, chunk);
	if (stream->state < HTTP1_LINE) {
		if (stream->state == HTTP1_METHOD)
			http1_read_method(stream, chunk, head);
		if (stream->state == HTTP1_TARGET)
			http1_begin_target(stream, chunk, head);
		if (stream->state == HTTP1_SCHEME)
			http1_read_scheme(stream, chunk);
		if (stream->state == HTTP1_PREAMBLE_LINE)
			return http1_pass_line(stream, chunk);
		http1_read_target(stream, chunk, head);
		if (stream->state == HTTP1_VERSION || stream->state == HTTP1_STATUS)
			http1_read_version(stream, chunk, head, is_response);
	}
	if (stream->state >= HTTP1_CHUNK_SIZE_START && stream->state <= HTTP1_CHUNK_FEED)
		http1_read_chunks(stream, chunk);
	if (stream->state >= HTTP1_LINE && stream->state <= HTTP1_REST)
		event = http1_read_lines(stream, chunk, head);
	return stream->state == HTTP1_SEEK ? PARSER_LOST : event;
}

/* Also advances to the next event, and passes over bodies without a call. */
static __always_inline int http1_next(struct http1_stream *stream, struct parser_chunk *chunk, struct http_head *head,
				      __u32 is_response)
{
	if (stream->state >= HTTP1_LENGTH)
		return http1_pass(stream, chunk);
	return http1_step(stream, chunk, head, is_response);
}

#endif
