/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Header and trailer lines of HTTP/1: finds the fields that frame a message. */
#ifndef SWPROF_NET_PROTO_HTTP1_FIELDS_H
#define SWPROF_NET_PROTO_HTTP1_FIELDS_H

#include "http1_bytes.h"
#include "http1_state.h"

/* Names of fields, and the words to find in their values: HTTP1_LIST_WORDS behind the name. 32 bytes each. */
enum {
	HTTP1_WORD_LENGTH = 1,
	HTTP1_WORD_CODING = 2,
	HTTP1_WORD_CONNECTION = 3,
	HTTP1_LIST_WORDS = 2,
};

static const char http1_words[8][32] __attribute__((unused)) = {
	[HTTP1_WORD_LENGTH] = "content-length",
	[HTTP1_WORD_CODING] = "transfer-encoding",
	[HTTP1_WORD_CONNECTION] = "connection",
	[HTTP1_WORD_CODING + HTTP1_LIST_WORDS] = "chunked",
	[HTTP1_WORD_CONNECTION + HTTP1_LIST_WORDS] = "upgrade",
};
#define HTTP1_LIST_WORD_LENGTH 7 /* of both */
#define HTTP1_MISMATCH 31 /* `matched`, when the word cannot match any more */

/* Ends a Content-Length. Returns whether it is a number, and equal to those before it. */
static __always_inline bool http1_keep_length(struct http1_stream *stream, struct http_head *head)
{
	if (stream->matched == 0 || (head->has_length && head->content_length != stream->remaining))
		return false;
	head->has_length = 1;
	head->content_length = stream->remaining;
	stream->remaining = 0;
	stream->matched = 0;
	return true;
}

/* Reads a byte of a Content-Length. `matched` is 1 in the number, 2 behind it. Returns whether it is valid. */
static __always_inline bool http1_read_length(struct http1_stream *stream, struct http_head *head, __u8 byte)
{
	if (byte >= '0' && byte <= '9') {
		__u64 value = stream->remaining * 10 + (byte - '0');

		stream->remaining = value;
		if (stream->matched > 1 || value >= HTTP1_NUMBER_MAX)
			return false;
		stream->matched = 1;
		return true;
	}
	if (byte == ' ' || byte == '\t' || byte == '\r') {
		stream->matched = stream->matched ? 2 : 0;
		return true;
	}
	return byte == ',' && http1_keep_length(stream, head);
}

/*
 * Reads a byte of a list. `upgrade` may be any word of `Connection`; `chunked` must be the last coding of
 * `Transfer-Encoding` to frame the message (RFC 9112 section 6.1).
 */
static __always_inline void http1_read_list(struct http1_stream *stream, struct http_head *head, __u8 byte)
{
	__u32 word = stream->field + HTTP1_LIST_WORDS & 7;
	__u32 matched = stream->matched & 31;
	__u8 *found = stream->field == HTTP1_WORD_CODING ? &head->is_chunked : &head->is_upgrade;

	if (byte == ',') {
		stream->matched = 0;
	} else if (byte == ' ' || byte == '\t' || byte == '\r') {
		stream->matched = matched ? HTTP1_MISMATCH : 0;
	} else if ((byte | 0x20) == http1_words[word][matched]) {
		stream->matched = matched + 1;
		if (matched + 1 == HTTP1_LIST_WORD_LENGTH)
			*found = 1;
		else if (stream->field == HTTP1_WORD_CODING)
			*found = 0;
	} else {
		if (stream->field == HTTP1_WORD_CODING || matched == HTTP1_LIST_WORD_LENGTH)
			*found = 0;
		stream->matched = HTTP1_MISMATCH;
	}
}

static __always_inline void http1_read_value(struct http1_stream *stream, struct http_head *head, __u8 byte)
{
	if (stream->field != HTTP1_WORD_LENGTH)
		http1_read_list(stream, head, byte);
	else if (!http1_read_length(stream, head, byte))
		stream->state = HTTP1_SEEK;
}

/* Reads a byte of a name that can still be one of `http1_words`. */
static __always_inline void http1_read_name(struct http1_stream *stream, __u8 byte)
{
	__u32 matched = stream->matched & 31;
	__u32 word = stream->word & 7;
	__u8 wanted = http1_words[word][matched];

	if (byte > ' ' && (byte | 0x20) == wanted) {
		stream->matched = matched + 1;
	} else if (word == HTTP1_WORD_LENGTH && matched == 3 && (byte | 0x20) == 'n') {
		stream->word = HTTP1_WORD_CONNECTION;
		stream->matched = matched + 1;
	} else if (byte == ':' && wanted == 0) {
		stream->field = word;
		stream->matched = 0;
		stream->state = HTTP1_VALUE;
	} else {
		stream->state = HTTP1_REST;
	}
}

/* Reads the first byte of a line. Before that, `field` is the one of the previous line. */
static __always_inline void http1_begin_line(struct http1_stream *stream, struct http_head *head, __u8 byte)
{
	__u8 letter = byte | 0x20;

	if (byte == ' ' || byte == '\t') {
		/* The value of the previous line goes on (RFC 9112 section 5.2). */
		stream->state = stream->field ? HTTP1_VALUE : HTTP1_REST;
		return;
	}
	stream->state = HTTP1_REST;
	if (letter == 'c' || letter == 't')
		stream->state = stream->is_trailer ? HTTP1_REST : HTTP1_NAME;
	if (byte == '\n')
		stream->state = HTTP1_LINES_END;
	if (byte == '\r')
		stream->state = HTTP1_LINE_FEED;
	if (stream->field == HTTP1_WORD_LENGTH && !http1_keep_length(stream, head))
		stream->state = HTTP1_SEEK;
	stream->field = 0;
	stream->matched = 1;
	stream->word = letter == 'c' ? HTTP1_WORD_LENGTH : HTTP1_WORD_CODING;
}

/* Skips the part of a line that does not matter, and reads a byte. Returns whether there may be more to read. */
CHECKED_ONCE int http1_read_line(struct http1_stream *stream, struct parser_chunk *chunk, struct http_head *head)
{
	__u8 byte, state;
	__u32 position;

	if (!stream || !chunk || !head)
		return 0;
	state = stream->state;
	for (int i = 0; i <= PARSER_CHUNK_SIZE / 8 && state == HTTP1_REST; i++) {
		/* Bytes below 11 are the line feed, the tab, and invalid ones. */
		__u64 marks;

		position = chunk->position;
		if (position >= chunk->length)
			break;
		marks = http1_bytes_below(http1_word(chunk, position), '\n' + 1);
		chunk->position = position + http1_first_mark(marks);
		if (marks)
			break;
	}
	position = chunk->position;
	if (position >= chunk->length) {
		chunk->position = chunk->length;
		return 0;
	}
	byte = http1_byte(chunk, position);
	chunk->position = position + 1;
	if (state == HTTP1_LINE)
		http1_begin_line(stream, head, byte);
	else if (byte == '\n')
		stream->state = state == HTTP1_LINE_FEED ? HTTP1_LINES_END : HTTP1_LINE;
	else if (byte < '\t' || state == HTTP1_LINE_FEED)
		stream->state = HTTP1_SEEK;
	else if (state == HTTP1_NAME)
		http1_read_name(stream, byte);
	else if (state == HTTP1_VALUE)
		http1_read_value(stream, head, byte);
	return stream->state <= HTTP1_REST;
}

/* Reads the lines of a head or of trailers, and the empty line that ends them. */
static __always_inline int http1_read_lines(struct http1_stream *stream, struct parser_chunk *chunk,
					    struct http_head *head)
{
	for (int i = 0; i < PARSER_CHUNK_SIZE; i++) {
		if (!http1_read_line(stream, chunk, head))
			break;
	}
	if (stream->state != HTTP1_LINES_END)
		return PARSER_MORE;
	stream->state = HTTP1_START;
	return stream->is_trailer ? PARSER_MESSAGE_END : PARSER_HEAD_END;
}

#endif
