/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interface to the parsers of protocols. The stream reader and the pairing know this file alone; a further protocol
 * is a member of `struct parser_stream`, a value of `enum protocol`, and a case in each of these functions.
 *
 * One `struct parser_stream` is one direction of a connection, all zero before the first message. The caller puts up to
 * PARSER_CHUNK_SIZE bytes into a chunk, sets `position` to 0, and calls parser_next() until it returns PARSER_MORE:
 *
 *	PARSER_HEAD_START    `position` is at the first byte of a message; `head` was cleared
 *	PARSER_HEAD_END      `position` is behind the head; call parser_begin_body() before anything else
 *	PARSER_MESSAGE_END   `position` is behind the message, which may have no body at all
 *	PARSER_LOST          the stream gave up and passes over all bytes
 *	PARSER_PREAMBLE_END  `position` is behind a preamble of the PROXY protocol; a PARSER_HEAD_START before it
 *	                     was not the start of a message
 *
 * The parser sets `head->has_line` once it has read the first line; the caller may clear it. The caller keeps `head`
 * until the head has ended, which may take many chunks. No byte is read twice.
 *
 * Before the caller fetches more, it may leave out as many bytes as parser_skippable() allows; it reports them to
 * parser_skip(). A stream that gave up, or that parser_seek() joined midway, waits for parser_resume(). The caller
 * resumes it at the beginning of a later call of the traced program, if parser_may_begin() accepts the first bytes.
 *
 * An interim response (1xx but 101) ends right behind its head. A message ends behind 101, or 2xx to CONNECT, too; from
 * then on the stream is opaque. The caller makes the other direction opaque by parser_pass_all().
 */
#ifndef SWPROF_NET_PROTO_PARSER_H
#define SWPROF_NET_PROTO_PARSER_H

#include "http1.h"
#include "message.h"

/* What a connection speaks. */
enum protocol {
	PROTOCOL_UNDECIDED = 0,
	PROTOCOL_HTTP1 = 1,
	PROTOCOL_UNREAD = 2, /* none that there is a parser for */
};

/* One direction of a connection, as the parser of its protocol keeps it. */
struct parser_stream {
	struct http1_stream http1;
};

/* Whether there is a parser for a protocol. */
static __always_inline bool parser_exists(__u8 protocol)
{
	return protocol == PROTOCOL_HTTP1;
}

/*
 * Whether the bytes at the beginning of a call can begin a request or a response. Bytes that are too few to tell can.
 * PARSER_BEGIN_SIZE bytes must be readable, whatever the length.
 */
static __always_inline bool parser_may_begin(const __u8 *bytes, __u32 length, bool is_response)
{
	return http1_may_begin(bytes, length, is_response);
}

/* The protocol of a connection, by the bytes at the beginning of a call; `is_response` says what begins there. */
static __always_inline enum protocol parser_protocol_of(const __u8 *bytes, __u32 length, bool *is_response)
{
	/* The preface of HTTP/2 (RFC 9113, section 3.4). */
	if (length >= 18 && bytes[0] == 'P' && bytes[1] == 'R' && bytes[2] == 'I' && bytes[3] == ' ' && bytes[4] == '*')
		return PROTOCOL_UNREAD;
	*is_response = false;
	if (parser_may_begin(bytes, length, false))
		return PROTOCOL_HTTP1;
	*is_response = true;
	if (length >= 5 && parser_may_begin(bytes, length, true))
		return PROTOCOL_HTTP1;
	return PROTOCOL_UNDECIDED;
}

/* Advances through the chunk to the next event. */
static __always_inline int parser_next(struct parser_stream *stream, struct parser_chunk *chunk, struct http_head *head,
				       __u32 is_response)
{
	return http1_next(&stream->http1, chunk, head, is_response);
}

/* After PARSER_HEAD_END: decides how the message's body ends. */
static __always_inline void parser_begin_body(struct parser_stream *stream, const struct http_head *head,
					      __u32 is_response, __u32 request_method)
{
	http1_begin_body(&stream->http1, head, is_response, request_method);
}

/* After parser_begin_body(): reports the end of a message without a body at once. Returns whether it has none. */
static __always_inline bool parser_end_bodiless(struct parser_stream *stream)
{
	return http1_end_bodiless(&stream->http1);
}

/* After parser_begin_body(): whether the message has a body. */
static __always_inline bool parser_has_body(const struct parser_stream *stream)
{
	return stream->http1.state != HTTP1_DONE;
}

/* After parser_begin_body(): whether the stream is opaque behind this message. */
static __always_inline bool parser_is_upgraded(const struct parser_stream *stream)
{
	return stream->http1.state == HTTP1_DONE_OPAQUE;
}

/* The caller knows the head that begins here. The stream goes on behind it, as after PARSER_HEAD_END. */
static __always_inline void parser_take_head(struct parser_stream *stream)
{
	__builtin_memset(stream, 0, sizeof(*stream));
}

/* Whether the next byte begins a message. */
static __always_inline bool parser_is_between(const struct parser_stream *stream)
{
	return stream->http1.state == HTTP1_START;
}

/* Whether the next byte begins a message, or belongs to a head. */
static __always_inline bool parser_is_in_head(const struct parser_stream *stream)
{
	return stream->http1.state <= HTTP1_REST;
}

/* Whether the next event takes another byte. */
static __always_inline bool parser_needs_more(const struct parser_stream *stream)
{
	return http1_needs_more(&stream->http1);
}

/* Gives up the stream. The parser passes over all bytes until parser_resume(). */
static __always_inline void parser_seek(struct parser_stream *stream)
{
	http1_seek(&stream->http1);
}

static __always_inline bool parser_is_seeking(const struct parser_stream *stream)
{
	return http1_is_seeking(&stream->http1);
}

/* The next byte begins a message. */
static __always_inline void parser_resume(struct parser_stream *stream)
{
	http1_resume(&stream->http1);
}

/* From here on, the stream speaks another protocol. The parser passes over all bytes. */
static __always_inline void parser_pass_all(struct parser_stream *stream)
{
	http1_pass_all(&stream->http1);
}

static __always_inline bool parser_is_opaque(const struct parser_stream *stream)
{
	return stream->http1.state == HTTP1_OPAQUE;
}

/* How many bytes the parser can do without: 0 where it must look, ~0 where it looks for nothing. */
static __always_inline __u64 parser_skippable(const struct parser_stream *stream)
{
	return http1_skippable(&stream->http1);
}

/* The caller leaves out bytes. PARSER_LOST if they are more than parser_skippable(). */
static __always_inline int parser_skip(struct parser_stream *stream, __u64 count)
{
	return http1_skip(&stream->http1, count);
}

/* The connection has ended: PARSER_MESSAGE_END if a body went on until then, else PARSER_MORE. */
static __always_inline int parser_close(struct parser_stream *stream)
{
	return http1_close(&stream->http1);
}

#endif
