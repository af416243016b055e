/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The start line of a message of HTTP/1, and the line ends or the preamble of the PROXY protocol before it. */
#ifndef SWPROF_NET_PROTO_HTTP1_START_LINE_H
#define SWPROF_NET_PROTO_HTTP1_START_LINE_H

#include "http1_bytes.h"
#include "http1_state.h"

#define HTTP1_METHOD_MAX 24 /* letters: the longest registered method is UPDATEREDIRECTREF (17) */
#define HTTP1_SCHEME_MAX 12 /* letters with "://" */

/* A preamble of the PROXY protocol (haproxy: doc/proxy-protocol.txt) is a line "PROXY …", or this and binary data. */
static const char http1_signature[16] __attribute__((unused)) = "\r\n\r\n\0\r\nQUIT\n";
#define HTTP1_SIGNATURE_LENGTH 12
#define HTTP1_PREAMBLE_HEAD 16 /* bytes: the signature, version, family, and the length of the rest in two bytes */
#define HTTP1_PROXY_TOKEN 0x50524f5859ULL

/* "HTTP/1." as a little-endian number. */
#define HTTP1_VERSION_WORD 0x2e312f50545448ULL
#define HTTP1_VERSION_LENGTH 7

/* See parser_may_begin(). */
static __always_inline bool http1_may_begin(const __u8 *bytes, __u32 length, bool is_response)
{
	__u32 space = 0;

	if (is_response) {
		for (__u32 i = 0; i < HTTP1_VERSION_LENGTH; i++) {
			if (i >= length)
				return true;
			if (bytes[i] != (__u8)(HTTP1_VERSION_WORD >> 8 * i))
				return false;
		}
		return true;
	}
	if (bytes[0] == '\r' && length > 0) {
		for (__u32 i = 1; i < HTTP1_SIGNATURE_LENGTH; i++) {
			if (i < length && bytes[i] != (__u8)http1_signature[i])
				return false;
		}
		return true;
	}
	for (__u32 i = 0; i < PARSER_BEGIN_SIZE; i++) {
		__u8 byte = bytes[i];

		if (i >= length)
			return true;
		if (space == 0) {
			if (byte == ' ' && i >= 3)
				space = i;
			else if (!(byte >= 'A' && byte <= 'Z') && !(byte == '-' && i > 0))
				return false;
		} else if (i == space + 1) {
			/* A path, an asterisk, or an absolute target; CONNECT has an authority. */
			if (byte == '/' || byte == '*')
				return true;
			if (bytes[0] == 'C' && bytes[1] == 'O' && bytes[2] == 'N' && space == 7)
				return byte > ' ' && byte < 0x7f;
			if (bytes[0] == 'P' && bytes[3] == 'X' && bytes[4] == 'Y' && space == 5)
				return byte == 'T' || byte == 'U';
			if ((byte | 0x20) != 'h')
				return false;
		} else {
			return (byte | 0x20) == 't';
		}
	}
	return false;
}

static __always_inline __u8 http1_method_of(__u64 token, __u32 length)
{
	/* The token is the letters, the first one highest. */
	if (length > 7)
		return HTTP_OTHER;
	if (token == 0x474554)
		return HTTP_GET;
	if (token == 0x48454144)
		return HTTP_HEAD;
	if (token == 0x504f5354)
		return HTTP_POST;
	if (token == 0x505554)
		return HTTP_PUT;
	if (token == 0x44454c455445)
		return HTTP_DELETE;
	if (token == 0x434f4e4e454354)
		return HTTP_CONNECT;
	if (token == 0x4f5054494f4e53)
		return HTTP_OPTIONS;
	if (token == 0x5452414345)
		return HTTP_TRACE;
	if (token == 0x5041544348)
		return HTTP_PATCH;
	return HTTP_OTHER;
}

/*
 * Reads a byte before a message: of a line end, or of a preamble of version 2. `remaining` becomes the size of the
 * preamble behind its first 16 bytes. Returns whether the byte belongs to one of them.
 */
CHECKED_ONCE int http1_read_signature(struct http1_stream *stream, __u8 byte)
{
	__u32 matched;

	if (!stream)
		return false;
	matched = stream->signature & 15;
	if (matched < HTTP1_SIGNATURE_LENGTH && byte != (__u8)http1_signature[matched]) {
		stream->signature = 0;
		return byte == '\r' || byte == '\n';
	}
	stream->remaining = matched < HTTP1_PREAMBLE_HEAD - 2 ? 0 : stream->remaining << 8 | byte;
	stream->signature = matched + 1;
	if (matched + 1 == HTTP1_PREAMBLE_HEAD) {
		stream->signature = 0;
		stream->state = HTTP1_PREAMBLE;
	}
	return true;
}

/* Reads line ends between messages, or the start of a preamble of version 2. */
CHECKED_ONCE int http1_pass_line_ends(struct http1_stream *stream, struct parser_chunk *chunk)
{
	if (!stream || !chunk)
		return 0;
	for (int i = 0; i < PARSER_CHUNK_SIZE; i++) {
		__u32 position = chunk->position;

		if (position >= chunk->length || stream->state == HTTP1_PREAMBLE)
			break;
		if (!http1_read_signature(stream, http1_byte(chunk, position)))
			break;
		chunk->position = position + 1;
	}
	return 0;
}

/* Reads up to the first byte of a message. */
static __always_inline int http1_find_start(struct http1_stream *stream, struct parser_chunk *chunk,
					    struct http_head *head, __u32 is_response)
{
	__u8 byte;

	if (chunk->position >= chunk->length)
		return PARSER_MORE;
	byte = http1_byte(chunk, chunk->position);
	if (byte == '\r' || byte == '\n' || stream->signature) {
		http1_pass_line_ends(stream, chunk);
		if (chunk->position >= chunk->length || stream->state == HTTP1_PREAMBLE)
			return PARSER_MORE;
	}
	__builtin_memset(stream, 0, sizeof(*stream));
	__builtin_memset(head, 0, sizeof(*head));
	head->path_hash = HTTP_HASH_START;
	stream->state = is_response ? HTTP1_STATUS : HTTP1_METHOD;
	return PARSER_HEAD_START;
}

static __always_inline void http1_read_method(struct http1_stream *stream, struct parser_chunk *chunk,
					      struct http_head *head)
{
	for (int i = 0; i <= HTTP1_METHOD_MAX; i++) {
		__u32 position = chunk->position, matched = stream->matched;
		__u8 byte;

		if (position >= chunk->length || stream->state != HTTP1_METHOD)
			break;
		byte = http1_byte(chunk, position);
		chunk->position = position + 1;
		if (byte == ' ' && matched > 0) {
			stream->state = HTTP1_TARGET;
			head->method = http1_method_of(stream->token, matched);
			stream->matched = 0;
		} else if ((byte != '-' && (byte < 'A' || byte > 'Z')) || matched >= HTTP1_METHOD_MAX) {
			stream->state = HTTP1_SEEK;
		} else {
			stream->token = stream->token << 8 | byte;
			stream->matched = matched + 1;
		}
	}
}

/* Decides the form of a target by its first byte (RFC 9112 section 3.2). */
static __always_inline void http1_begin_target(struct http1_stream *stream, const struct parser_chunk *chunk,
					       const struct http_head *head)
{
	__u32 position = chunk->position;
	__u8 byte;

	if (position >= chunk->length)
		return;
	byte = http1_byte(chunk, position);
	stream->state = byte == '/' || byte == '*' || head->method == HTTP_CONNECT ? HTTP1_PATH : HTTP1_SCHEME;
	/* "TCP4", "TCP6" or "UNKNOWN" */
	if (stream->token == HTTP1_PROXY_TOKEN && (byte == 'T' || byte == 'U'))
		stream->state = HTTP1_PREAMBLE_LINE;
}

/* Reads the rest of a preamble of version 1, a line of at most 107 bytes. */
CHECKED_ONCE int http1_pass_line(struct http1_stream *stream, struct parser_chunk *chunk)
{
	if (!stream || !chunk)
		return PARSER_MORE;
	for (int i = 0; i < PARSER_CHUNK_SIZE; i++) {
		__u32 position = chunk->position;
		__u8 byte;

		if (position >= chunk->length)
			break;
		byte = http1_byte(chunk, position);
		chunk->position = position + 1;
		if (byte == '\n') {
			stream->state = HTTP1_START;
			return PARSER_PREAMBLE_END;
		}
	}
	return PARSER_MORE;
}

static __always_inline void http1_read_scheme(struct http1_stream *stream, struct parser_chunk *chunk)
{
	for (int i = 0; i <= HTTP1_SCHEME_MAX; i++) {
		__u32 position = chunk->position, matched = stream->matched, field = stream->field;
		__u8 byte, letter;

		if (position >= chunk->length || stream->state != HTTP1_SCHEME)
			break;
		byte = http1_byte(chunk, position);
		letter = (byte | 0x20) - 'a';
		chunk->position = position + 1;
		stream->matched = matched + 1;
		/* `field` counts the bytes of "://". */
		if (byte == (field ? '/' : ':') && matched > 0)
			stream->field = field + 1;
		else if (field || letter >= 26)
			stream->state = HTTP1_SEEK;
		if (matched >= HTTP1_SCHEME_MAX)
			stream->state = HTTP1_SEEK;
		if (field == 2 && byte == '/') {
			stream->field = 0;
			stream->matched = 0;
			stream->state = HTTP1_AUTHORITY;
		}
	}
}

/* Skips an authority, a path or a query. Returns the byte that ends it; 0: it goes on behind the chunk. */
static __always_inline __u8 http1_pass_target(struct parser_chunk *chunk, __u32 state)
{
	__u32 position;

	for (int i = 0; i <= PARSER_CHUNK_SIZE / 8; i++) {
		__u64 word, marks;

		position = chunk->position;
		if (position >= chunk->length)
			break;
		word = http1_word(chunk, position);
		marks = http1_bytes_below(word, ' ' + 1);
		if (state != HTTP1_QUERY)
			marks |= http1_bytes_equal(word, '?') | http1_bytes_equal(word, '#');
		if (state == HTTP1_AUTHORITY)
			marks |= http1_bytes_equal(word, '/');
		chunk->position = position + http1_first_mark(marks);
		if (marks)
			break;
	}
	position = chunk->position;
	if (position < chunk->length)
		return http1_byte(chunk, position);
	chunk->position = chunk->length;
	return 0;
}

/* Sets the next state, by the byte that ended a part of a target. */
static __always_inline void http1_end_target(struct http1_stream *stream, struct parser_chunk *chunk, __u8 byte)
{
	if (byte == ' ') {
		stream->state = HTTP1_VERSION;
		chunk->position = chunk->position + 1;
	} else if (byte == '/') {
		stream->state = HTTP1_PATH;
	} else if (byte == '?' || byte == '#') {
		stream->state = HTTP1_QUERY;
	} else {
		stream->state = HTTP1_SEEK;
	}
}

/* Hashes and stores the bytes [start, end) of a chunk, which belong to a path. */
static __always_inline void http1_keep_path(const struct parser_chunk *chunk, struct http_head *head, __u32 start,
					    __u32 end)
{
	__u64 hash = head->path_hash;
	__u32 count;

	for (int i = 0; i < PARSER_CHUNK_SIZE && start + i < end; i++)
		hash = (hash ^ http1_byte(chunk, start + i)) * HTTP_HASH_PRIME;
	head->path_hash = hash;
	for (int i = 0; i < HTTP_PATH_SIZE && start < end; i++) {
		count = head->path_length;
		FORGET(count);
		if (count >= HTTP_PATH_SIZE)
			break;
		head->path[count] = http1_byte(chunk, start);
		head->path_length = count + 1;
		start++;
	}
	if (start < end)
		head->is_path_cut = 1;
}

static __always_inline void http1_read_target(struct http1_stream *stream, struct parser_chunk *chunk,
					      struct http_head *head)
{
	__u8 byte;

	if (stream->state == HTTP1_AUTHORITY) {
		byte = http1_pass_target(chunk, HTTP1_AUTHORITY);
		if (!byte && chunk->position >= chunk->length)
			return;
		/* Without a path behind the authority, the path is "/". */
		if (byte != '/') {
			head->path_hash = (head->path_hash ^ '/') * HTTP_HASH_PRIME;
			head->path[0] = '/';
			head->path_length = 1;
		}
		http1_end_target(stream, chunk, byte);
	}
	if (stream->state == HTTP1_PATH) {
		__u32 start = chunk->position;

		byte = http1_pass_target(chunk, HTTP1_PATH);
		http1_keep_path(chunk, head, start, chunk->position);
		if (!byte && chunk->position >= chunk->length)
			return;
		http1_end_target(stream, chunk, byte);
	}
	if (stream->state == HTTP1_QUERY) {
		byte = http1_pass_target(chunk, HTTP1_QUERY);
		if (!byte && chunk->position >= chunk->length)
			return;
		http1_end_target(stream, chunk, byte);
	}
}

/* Reads "HTTP/1.1" of a request, "HTTP/1.1 200" of a response, and leaves the rest of the line. */
static __always_inline void http1_read_version(struct http1_stream *stream, struct parser_chunk *chunk,
					       struct http_head *head, __u32 is_response)
{
	for (int i = 0; i <= HTTP1_VERSION_LENGTH + 5; i++) {
		__u32 position = chunk->position, matched = stream->matched;
		__u8 byte, digit;
		bool is_right;

		if (position >= chunk->length || (stream->state != HTTP1_VERSION && stream->state != HTTP1_STATUS))
			break;
		byte = http1_byte(chunk, position);
		digit = byte - '0';
		is_right = digit < 10;
		if (matched < HTTP1_VERSION_LENGTH) {
			is_right = byte == (__u8)(HTTP1_VERSION_WORD >> 8 * matched);
		} else if (matched == HTTP1_VERSION_LENGTH) {
			head->version = digit ? 11 : 10;
		} else if (is_response && matched == HTTP1_VERSION_LENGTH + 1) {
			is_right = byte == ' ';
		} else if (is_response && matched < HTTP1_VERSION_LENGTH + 5) {
			head->status = head->status * 10 + digit;
			is_right = digit < 10 && head->status > 0;
		} else {
			is_right = byte == '\r' || byte == '\n' || (is_response && byte == ' ');
			head->has_line = is_right;
			stream->state = HTTP1_REST;
			position--;
		}
		if (!is_right)
			stream->state = HTTP1_SEEK;
		stream->matched = matched + 1;
		chunk->position = position + 1;
	}
}

#endif
