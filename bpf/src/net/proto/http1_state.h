/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of one direction of a connection that speaks HTTP/1. */
#ifndef SWPROF_NET_PROTO_HTTP1_STATE_H
#define SWPROF_NET_PROTO_HTTP1_STATE_H

#include "message.h"

#define HTTP1_NUMBER_MAX (1ULL << 59) /* lengths of this size and above are invalid */

/* The part of a message that comes next. The order matters: start line, lines, chunks, rest. */
enum http1_state {
	HTTP1_START = 0, /* between messages */
	HTTP1_METHOD,
	HTTP1_TARGET, /* its first byte */
	HTTP1_SCHEME, /* of an absolute target, with "://" */
	HTTP1_AUTHORITY, /* of an absolute target */
	HTTP1_PATH,
	HTTP1_QUERY,
	HTTP1_VERSION, /* of a request */
	HTTP1_STATUS, /* the version and status of a response */
	HTTP1_PREAMBLE_LINE, /* the rest of a preamble of version 1 */
	HTTP1_LINE, /* the beginning of a header or trailer line */
	HTTP1_LINE_FEED, /* behind a carriage return at the beginning of a line */
	HTTP1_NAME,
	HTTP1_VALUE,
	HTTP1_REST, /* of a line that does not matter */
	HTTP1_LINES_END, /* behind the empty line; within http1_step() only */
	HTTP1_CHUNK_SIZE_START,
	HTTP1_CHUNK_SIZE_MORE,
	HTTP1_CHUNK_EXTENSION,
	HTTP1_CHUNK_DATA,
	HTTP1_CHUNK_END, /* the line end behind a chunk's data */
	HTTP1_CHUNK_FEED,
	HTTP1_LENGTH, /* a body whose length is known */
	HTTP1_PREAMBLE, /* the rest of a preamble of version 2 */
	HTTP1_CLOSE, /* a body that ends with the connection */
	HTTP1_DONE, /* the end of a message is still to be reported */
	HTTP1_DONE_OPAQUE, /* so is this one; what follows is not HTTP */
	HTTP1_OPAQUE,
	HTTP1_SEEK,
};

/*
 * One direction of one connection; all zero before the first message. The fields are volatile: if the compiler kept
 * them in registers, the verifier would follow each of their values through each turn of a loop.
 */
struct http1_stream {
	volatile __u64 remaining; /* bytes of the body or chunk to come; while a number is read, its value */
	__u64 token; /* the last eight letters of the method */
	volatile __u8 state; /* enum http1_state */
	volatile __u8 matched; /* letters that match so far */
	volatile __u8 word; /* HTTP1_WORD_*: the name that the line can still turn out to have */
	volatile __u8 field; /* HTTP1_WORD_*: the name of the line; 0: another one */
	__u8 is_trailer; /* 0 or 1: the lines are trailers */
	__u8 signature; /* bytes of a preamble of version 2 so far */
	__u8 reserved[2];
};

_Static_assert(sizeof(struct http1_stream) == 24, "layout");

static __always_inline int http1_lose(struct http1_stream *stream)
{
	stream->state = HTTP1_SEEK;
	return PARSER_LOST;
}

/* The stream is joined midway. The parser passes over all bytes until http1_resume(). */
static __always_inline void http1_seek(struct http1_stream *stream)
{
	stream->state = HTTP1_SEEK;
}

/* Whether the next event takes another byte. */
static __always_inline bool http1_needs_more(const struct http1_stream *stream)
{
	__u8 state = stream->state;

	return state != HTTP1_DONE && state != HTTP1_DONE_OPAQUE && (state != HTTP1_LENGTH || stream->remaining);
}

static __always_inline bool http1_is_seeking(const struct http1_stream *stream)
{
	return stream->state == HTTP1_SEEK;
}

/* The next byte begins a message, or a line end between messages. */
static __always_inline void http1_resume(struct http1_stream *stream)
{
	stream->state = HTTP1_START;
	stream->signature = 0;
}

/* From here on, the stream is not HTTP/1. The parser passes over all bytes. */
static __always_inline void http1_pass_all(struct http1_stream *stream)
{
	stream->state = HTTP1_OPAQUE;
}

#endif
