/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bodies of HTTP/1: how they are framed, and how their bytes are skipped. */
#ifndef SWPROF_NET_PROTO_HTTP1_BODY_H
#define SWPROF_NET_PROTO_HTTP1_BODY_H

#include "http1_bytes.h"
#include "http1_state.h"

/* Skips the bytes of the chunk in bodies of known length, and in streams that gave up or are opaque. */
static __always_inline int http1_pass(struct http1_stream *stream, struct parser_chunk *chunk)
{
	__u32 length = chunk->length;
	__u32 position = chunk->position;
	__u64 count = position < length ? length - position : 0;

	switch (stream->state) {
	case HTTP1_DONE:
		stream->state = HTTP1_START;
		return PARSER_MESSAGE_END;
	case HTTP1_DONE_OPAQUE:
		stream->state = HTTP1_OPAQUE;
		return PARSER_MESSAGE_END;
	case HTTP1_LENGTH:
	case HTTP1_PREAMBLE:
		if (stream->remaining <= count) {
			int event = stream->state == HTTP1_LENGTH ? PARSER_MESSAGE_END : PARSER_PREAMBLE_END;

			chunk->position = position + stream->remaining;
			stream->state = HTTP1_START;
			return event;
		}
		stream->remaining -= count;
		break;
	}
	chunk->position = length;
	return PARSER_MORE;
}

/* Reads a byte of a chunk-size line, or of the line end behind a chunk's data. Returns the next state. */
static __always_inline __u8 http1_read_size(struct http1_stream *stream, __u8 byte)
{
	__u8 state = stream->state, letter = (byte | 0x20) - 'a', digit = byte - '0';

	if (state == HTTP1_CHUNK_END && byte == '\r')
		return HTTP1_CHUNK_FEED;
	if (state >= HTTP1_CHUNK_END)
		return byte == '\n' ? HTTP1_CHUNK_SIZE_START : HTTP1_SEEK;
	if (state == HTTP1_CHUNK_EXTENSION && byte != '\n')
		return byte ? HTTP1_CHUNK_EXTENSION : HTTP1_SEEK;
	if (state != HTTP1_CHUNK_EXTENSION && (digit < 10 || letter < 6)) {
		if (stream->remaining >= HTTP1_NUMBER_MAX)
			return HTTP1_SEEK;
		stream->remaining = stream->remaining << 4 | (digit < 10 ? digit : letter + 10);
		return HTTP1_CHUNK_SIZE_MORE;
	}
	if (state == HTTP1_CHUNK_SIZE_START)
		return HTTP1_SEEK;
	if (byte == '\n') {
		stream->is_trailer = 1;
		stream->field = 0;
		return stream->remaining ? HTTP1_CHUNK_DATA : HTTP1_LINE;
	}
	return byte == ';' || byte == '\r' || byte == ' ' || byte == '\t' ? HTTP1_CHUNK_EXTENSION : HTTP1_SEEK;
}

/* Skips a chunk's data, or reads a byte of a line around it. Returns whether there may be more to read. */
CHECKED_ONCE int http1_read_chunk(struct http1_stream *stream, struct parser_chunk *chunk)
{
	__u32 position;
	__u64 count;

	if (!stream || !chunk)
		return 0;
	position = chunk->position;
	if (position >= chunk->length)
		return 0;
	if (stream->state == HTTP1_CHUNK_DATA) {
		count = chunk->length - position;
		if (count >= stream->remaining) {
			count = stream->remaining;
			stream->state = HTTP1_CHUNK_END;
		}
		stream->remaining -= count;
		chunk->position = position + count;
	} else {
		chunk->position = position + 1;
		stream->state = http1_read_size(stream, http1_byte(chunk, position));
	}
	return stream->state >= HTTP1_CHUNK_SIZE_START && stream->state <= HTTP1_CHUNK_FEED;
}

/* Reads chunk-size lines, and skips the data of chunks, up to the trailers (RFC 9112 section 7.1). */
static __always_inline void http1_read_chunks(struct http1_stream *stream, struct parser_chunk *chunk)
{
	for (int i = 0; i < PARSER_CHUNK_SIZE; i++) {
		if (!http1_read_chunk(stream, chunk))
			break;
	}
}

/* After PARSER_HEAD_END: decides how the message's body ends (RFC 9112 section 6.3). */
static __always_inline void http1_begin_body(struct http1_stream *stream, const struct http_head *head,
					     __u32 is_response, __u32 request_method)
{
	__u32 status = head->status;

	stream->remaining = 0;
	if (is_response && (status == 101 || (request_method == HTTP_CONNECT && status >= 200 && status < 300))) {
		stream->state = HTTP1_DONE_OPAQUE;
	} else if (is_response && (status < 200 || status == 204 || status == 304 || request_method == HTTP_HEAD)) {
		stream->state = HTTP1_DONE;
	} else if (head->is_chunked) {
		stream->state = HTTP1_CHUNK_SIZE_START;
	} else if (head->has_length) {
		stream->remaining = head->content_length;
		stream->state = HTTP1_LENGTH;
	} else {
		stream->state = is_response ? HTTP1_CLOSE : HTTP1_DONE;
	}
}

/* Ends a message without a body at once. Returns whether it has none. */
static __always_inline bool http1_end_bodiless(struct http1_stream *stream)
{
	if (stream->state != HTTP1_DONE)
		return false;
	stream->state = HTTP1_START;
	return true;
}

/*
 * How many bytes the stream can do without: the rest of a body or of a chunk's data, ~0 in a stream that gave up or is
 * opaque, else 0.
 */
static __always_inline __u64 http1_skippable(const struct http1_stream *stream)
{
	switch (stream->state) {
	case HTTP1_LENGTH:
	case HTTP1_CHUNK_DATA:
	case HTTP1_PREAMBLE:
		return stream->remaining;
	case HTTP1_CLOSE:
	case HTTP1_OPAQUE:
	case HTTP1_SEEK:
		return ~0ULL;
	default:
		return 0;
	}
}

/* Skips bytes. PARSER_MESSAGE_END if the body ends with them, PARSER_LOST if they are more than http1_skippable(). */
static __always_inline int http1_skip(struct http1_stream *stream, __u64 count)
{
	__u64 skippable = http1_skippable(stream);

	if (count > skippable)
		return http1_lose(stream);
	if (skippable == ~0ULL || count == 0)
		return PARSER_MORE;
	stream->remaining -= count;
	if (stream->remaining)
		return PARSER_MORE;
	if (stream->state == HTTP1_CHUNK_DATA) {
		stream->state = HTTP1_CHUNK_END;
		return PARSER_MORE;
	}
	if (stream->state == HTTP1_PREAMBLE) {
		stream->state = HTTP1_START;
		return PARSER_PREAMBLE_END;
	}
	stream->state = HTTP1_START;
	return PARSER_MESSAGE_END;
}

/* Ends the stream with its connection: PARSER_MESSAGE_END if a body went on until then, else PARSER_MORE. */
static __always_inline int http1_close(struct http1_stream *stream)
{
	bool is_end = stream->state == HTTP1_CLOSE;

	stream->state = HTTP1_OPAQUE;
	return is_end ? PARSER_MESSAGE_END : PARSER_MORE;
}

#endif
