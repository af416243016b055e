/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds where messages of HTTP/1.0 and 1.1 (RFC 9112) begin and end in a byte stream that comes in pieces, and reads of
 * their heads what names a request and frames its body. Plain C without memory of its own: the kernel side calls it on
 * the data of each call, and tests compile it for the host.
 *
 * One `struct http_stream` is one direction of a connection, all zero before the first message. The caller puts up to
 * HTTP_CHUNK_SIZE bytes into a chunk, sets position to 0, and calls http_step() until it says HTTP_MORE:
 *
 *	HTTP_HEAD_START    `position` is at the first byte of a message; `head` was cleared
 *	HTTP_HEAD_END      `position` is behind the head; call http_begin_body() before anything else
 *	HTTP_MESSAGE_END   `position` is behind the message, which may have no body at all
 *	HTTP_LOST          the stream gave up and passes over everything
 *	HTTP_PREAMBLE_END  `position` is behind a preamble of the PROXY protocol; if there was an HTTP_HEAD_START, it
 *	                   was no message's
 *
 * `head->has_line` is set once the first line has been read; the caller may clear it.
 *
 * `head` is the caller's to keep as long as a head is being read, which may take many chunks; no byte is read twice.
 * Before it fetches more, the caller may leave out what http_skippable() allows and report it to http_skip(). A stream
 * that gave up, or that was joined midway by http_seek(), waits for http_resume(): at the beginning of a later call of
 * the traced program, messages begin there more often than not, and http_may_begin() tells by the first bytes.
 *
 * An interim response (1xx but 101) has an end of its own right behind its head. Behind 101, or 2xx to CONNECT, the
 * message ends as well, and then the stream is opaque for good: http_pass_all() does the same to the other direction.
 *
 * For the verifier, all state lies in memory, where it forgets values, so that the paths through a loop's body meet
 * again, and what has many paths is a global function, checked once. On 6.18, http_step() and all that it calls take it
 * 50,000 instructions.
 */
#ifndef SWPROF_HTTP_H
#define SWPROF_HTTP_H

#ifndef __bpf__
#include <linux/types.h>
#include <stdbool.h>
#endif

#define HTTP_CHUNK_SIZE 256 /* a power of two: positions are masked by it */
#define HTTP_PATH_SIZE 120
#define HTTP_METHOD_MAX 24 /* letters: the longest registered method is UPDATEREDIRECTREF (17) */
#define HTTP_SCHEME_MAX 12 /* letters with "://" */
#define HTTP_BEGIN_SIZE 20 /* bytes that http_may_begin() looks at */
#define HTTP_HASH_START 0xcbf29ce484222325ULL
#define HTTP_HASH_PRIME 0x100000001b3ULL
#define HTTP_NUMBER_MAX (1ULL << 59) /* lengths of this size and above are taken for garbage */

enum http_method {
	HTTP_OTHER = 0,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_CONNECT,
	HTTP_OPTIONS,
	HTTP_TRACE,
	HTTP_PATCH,
};

enum http_event {
	HTTP_MORE = 0, /* the chunk is used up */
	HTTP_HEAD_START, /* the first byte of a message */
	HTTP_HEAD_END,
	HTTP_MESSAGE_END,
	HTTP_LOST, /* not HTTP, or framing lost: the stream now seeks the next message */
	HTTP_PREAMBLE_END, /* what a proxy says of its client is over; messages begin */
};

/* What a stream is in. The order matters: start line, lines, chunks, rest. */
enum http_state {
	HTTP_START = 0, /* between messages */
	HTTP_METHOD,
	HTTP_TARGET, /* its first byte */
	HTTP_SCHEME, /* of an absolute target, with "://" */
	HTTP_AUTHORITY, /* of an absolute target */
	HTTP_PATH,
	HTTP_QUERY,
	HTTP_VERSION, /* of a request */
	HTTP_STATUS, /* the version and status of a response */
	HTTP_PREAMBLE_LINE, /* the rest of a preamble of version 1 */
	HTTP_LINE, /* the beginning of a header or trailer line */
	HTTP_LINE_FEED, /* a carriage return was where a line begins */
	HTTP_NAME,
	HTTP_VALUE,
	HTTP_REST, /* of a line that does not matter */
	HTTP_LINES_END, /* behind the empty line; only within http_step() */
	HTTP_CHUNK_SIZE_START,
	HTTP_CHUNK_SIZE_MORE,
	HTTP_CHUNK_EXTENSION,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END, /* the line end behind a chunk's data */
	HTTP_CHUNK_FEED,
	HTTP_LENGTH, /* a body whose length is known */
	HTTP_PREAMBLE, /* the rest of a preamble of version 2 */
	HTTP_CLOSE, /* a body that ends with the connection */
	HTTP_DONE, /* the end of a message is still to be told */
	HTTP_DONE_OPAQUE, /* the same; what follows is not HTTP */
	HTTP_OPAQUE,
	HTTP_SEEK,
};

/*
 * One direction of one connection; all zero is before the first message. Volatile: a compiler that kept these in
 * registers would show the verifier every value that they can have, at each turn of a loop.
 */
struct http_stream {
	volatile __u64 remaining; /* bytes of the body or chunk to come; the number while one is read */
	__u64 token; /* the last eight letters of the method */
	volatile __u8 state; /* enum http_state */
	volatile __u8 matched; /* letters of the word at hand */
	volatile __u8 word; /* HTTP_WORD_*: the name that the line can still have */
	volatile __u8 field; /* HTTP_WORD_*: the name that it has; 0 for all others */
	__u8 is_trailer; /* 0 or 1: lines are behind the last chunk */
	__u8 signature; /* bytes of a preamble of version 2 */
	__u8 reserved[2];
};

/* What a head says. */
struct http_head {
	__u64 path_hash; /* FNV-1a of 64 bits over the whole path without query */
	__u64 content_length;
	__u16 status; /* of a response */
	volatile __u16 path_length; /* bytes in `path` */
	__u8 method; /* enum http_method */
	__u8 version; /* 10 or 11 */
	__u8 has_length;
	__u8 is_chunked;
	__u8 is_upgrade; /* `Connection` names `upgrade` */
	__u8 is_path_cut; /* the path is longer than `path` */
	__u8 has_line; /* 0 or 1 */
	__u8 reserved[5];
	__u8 path[HTTP_PATH_SIZE]; /* without query; of CONNECT, the authority; not terminated */
};

struct http_chunk {
	volatile __u32 position;
	volatile __u32 length; /* at most HTTP_CHUNK_SIZE */
	__u8 bytes[HTTP_CHUNK_SIZE + 8]; /* words are read across the end, and what is there does not matter */
};

_Static_assert(sizeof(struct http_stream) == 24, "layout");
_Static_assert(sizeof(struct http_head) == 32 + HTTP_PATH_SIZE, "layout");
_Static_assert(sizeof(struct http_chunk) == 16 + HTTP_CHUNK_SIZE, "layout");

/* Words that are looked for, 32 bytes each; the word in a list value is HTTP_LIST_WORDS behind its header's name. */
enum {
	HTTP_WORD_LENGTH = 1,
	HTTP_WORD_CODING = 2,
	HTTP_WORD_CONNECTION = 3,
	HTTP_LIST_WORDS = 2,
};

static const char http_words[8][32] __attribute__((unused)) = {
	[HTTP_WORD_LENGTH] = "content-length",
	[HTTP_WORD_CODING] = "transfer-encoding",
	[HTTP_WORD_CONNECTION] = "connection",
	[HTTP_WORD_CODING + HTTP_LIST_WORDS] = "chunked",
	[HTTP_WORD_CONNECTION + HTTP_LIST_WORDS] = "upgrade",
};
#define HTTP_LIST_WORD_LENGTH 7 /* of both */
#define HTTP_MISMATCH 31 /* `matched`, where nothing can match any more */

/* What a proxy may send before anything else (haproxy: doc/proxy-protocol.txt): "PROXY ", or this and binary. */
static const char http_signature[16] __attribute__((unused)) = "\r\n\r\n\0\r\nQUIT\n";
#define HTTP_SIGNATURE_LENGTH 12
#define HTTP_PREAMBLE_HEAD 16 /* with version, family and, in two bytes, the length of what follows */
#define HTTP_PROXY_TOKEN 0x50524f5859ULL

/* "HTTP/1." as a little-endian number. */
#define HTTP_VERSION_WORD 0x2e312f50545448ULL
#define HTTP_VERSION_LENGTH 7

/* Makes the compiler forget what it knows of a variable, so that it keeps a check that the verifier needs. */
#define HTTP_FORGET(variable) __asm__ volatile("" : "+r"(variable))

/*
 * What loops do with a byte that needs branches: a global function in BPF, which the verifier checks once, not once for
 * each turn. Its pointers can then be null, for all that the verifier knows.
 */
#ifdef __bpf__
#define HTTP_CHECKED_ONCE __attribute__((noinline))
#define HTTP_STEP_ATTRIBUTES __always_inline
#else
#define HTTP_CHECKED_ONCE static inline
#define HTTP_STEP_ATTRIBUTES __attribute__((noinline, unused))
#endif

#define HTTP_EACH_BYTE 0x0101010101010101ULL

/* Marks (0x80) the bytes of a word that are below a limit of at most 0x80. Right up to the first mark. */
static __always_inline __u64 http_bytes_below(__u64 word, __u8 limit)
{
	return (word - HTTP_EACH_BYTE * limit) & ~word & HTTP_EACH_BYTE * 0x80;
}

/* Marks the bytes of a word that are equal to one. Right up to the first mark. */
static __always_inline __u64 http_bytes_equal(__u64 word, __u8 byte)
{
	return http_bytes_below(word ^ HTTP_EACH_BYTE * byte, 1);
}

/* How many bytes stand before the first mark; 8 where there is none. */
static __always_inline __u32 http_first_mark(__u64 marks)
{
	return (((marks & -marks) >> 7) - 1 & HTTP_EACH_BYTE) * HTTP_EACH_BYTE >> 56;
}

static __always_inline int http_lose(struct http_stream *stream)
{
	stream->state = HTTP_SEEK;
	return HTTP_LOST;
}

/* The stream is joined midway: nothing is known until http_resume(). */
static __always_inline void http_seek(struct http_stream *stream)
{
	stream->state = HTTP_SEEK;
}

/* Whether nothing can happen before there is another byte. */
static __always_inline bool http_needs_more(const struct http_stream *stream)
{
	__u8 state = stream->state;

	return state != HTTP_DONE && state != HTTP_DONE_OPAQUE && (state != HTTP_LENGTH || stream->remaining);
}

static __always_inline bool http_is_seeking(const struct http_stream *stream)
{
	return stream->state == HTTP_SEEK;
}

/* The next byte begins a message, or a line end between messages. */
static __always_inline void http_resume(struct http_stream *stream)
{
	stream->state = HTTP_START;
	stream->signature = 0;
}

/* What follows is not HTTP/1, for good. */
static __always_inline void http_pass_all(struct http_stream *stream)
{
	stream->state = HTTP_OPAQUE;
}

/*
 * Whether the bytes at the beginning of a call can begin a request or a response, or are less than that takes.
 * HTTP_BEGIN_SIZE bytes must be readable, whatever the length.
 */
static __always_inline bool http_may_begin(const __u8 *bytes, __u32 length, bool is_response)
{
	__u32 space = 0;

	if (is_response) {
		for (__u32 i = 0; i < HTTP_VERSION_LENGTH; i++) {
			if (i >= length)
				return true;
			if (bytes[i] != (__u8)(HTTP_VERSION_WORD >> 8 * i))
				return false;
		}
		return true;
	}
	if (bytes[0] == '\r' && length > 0) {
		for (__u32 i = 1; i < HTTP_SIGNATURE_LENGTH; i++) {
			if (i < length && bytes[i] != (__u8)http_signature[i])
				return false;
		}
		return true;
	}
	for (__u32 i = 0; i < HTTP_BEGIN_SIZE; i++) {
		__u8 byte = bytes[i];

		if (i >= length)
			return true;
		if (space == 0) {
			if (byte == ' ' && i >= 3)
				space = i;
			else if (!(byte >= 'A' && byte <= 'Z') && !(byte == '-' && i > 0))
				return false;
		} else if (i == space + 1) {
			/* A path, all of a server, or an absolute target; CONNECT has an authority. */
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

static __always_inline __u8 http_method_of(__u64 token, __u32 length)
{
	/* The letters, the first one highest. */
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
 * The phases of http_step() work on the bytes [position, length) of a chunk: each takes up where the one before ended,
 * which may be the end of the chunk. Each iteration of their loops takes a byte at least, or is the last.
 */

static __always_inline __u8 http_byte(const struct http_chunk *chunk, __u32 position)
{
	HTTP_FORGET(position);
	return chunk->bytes[position & (HTTP_CHUNK_SIZE - 1)];
}

/* Eight bytes, at any address: x86-64 and arm64 allow that, but BPF's clang would take them one by one. */
static __always_inline __u64 http_word(const struct http_chunk *chunk, __u32 position)
{
#ifdef __bpf__
	typedef __u64 __attribute__((may_alias)) any_word;

	HTTP_FORGET(position);
	return *(const any_word *)(chunk->bytes + (position & (HTTP_CHUNK_SIZE - 1)));
#else
	__u64 word;

	__builtin_memcpy(&word, chunk->bytes + (position & (HTTP_CHUNK_SIZE - 1)), sizeof(word));
	return word;
#endif
}

/* Bodies that need no look, and what follows when all is lost. */
static __always_inline int http_pass(struct http_stream *stream, struct http_chunk *chunk)
{
	__u32 length = chunk->length;
	__u32 position = chunk->position;
	__u64 count = position < length ? length - position : 0;

	switch (stream->state) {
	case HTTP_DONE:
		stream->state = HTTP_START;
		return HTTP_MESSAGE_END;
	case HTTP_DONE_OPAQUE:
		stream->state = HTTP_OPAQUE;
		return HTTP_MESSAGE_END;
	case HTTP_LENGTH:
	case HTTP_PREAMBLE:
		if (stream->remaining <= count) {
			int event = stream->state == HTTP_LENGTH ? HTTP_MESSAGE_END : HTTP_PREAMBLE_END;

			chunk->position = position + stream->remaining;
			stream->state = HTTP_START;
			return event;
		}
		stream->remaining -= count;
		break;
	}
	chunk->position = length;
	return HTTP_MORE;
}

/*
 * A byte before a message: of a line end, or of a preamble of version 2, where `remaining` is what follows its first 16
 * bytes. Returns whether it is one.
 */
HTTP_CHECKED_ONCE int http_read_signature(struct http_stream *stream, __u8 byte)
{
	__u32 matched;

	if (!stream)
		return false;
	matched = stream->signature & 15;
	if (matched < HTTP_SIGNATURE_LENGTH && byte != (__u8)http_signature[matched]) {
		stream->signature = 0;
		return byte == '\r' || byte == '\n';
	}
	stream->remaining = matched < HTTP_PREAMBLE_HEAD - 2 ? 0 : stream->remaining << 8 | byte;
	stream->signature = matched + 1;
	if (matched + 1 == HTTP_PREAMBLE_HEAD) {
		stream->signature = 0;
		stream->state = HTTP_PREAMBLE;
	}
	return true;
}

/* Line ends between messages, or the beginning of a preamble of version 2. */
HTTP_CHECKED_ONCE int http_pass_line_ends(struct http_stream *stream, struct http_chunk *chunk)
{
	if (!stream || !chunk)
		return 0;
	for (int i = 0; i < HTTP_CHUNK_SIZE; i++) {
		__u32 position = chunk->position;

		if (position >= chunk->length || stream->state == HTTP_PREAMBLE)
			break;
		if (!http_read_signature(stream, http_byte(chunk, position)))
			break;
		chunk->position = position + 1;
	}
	return 0;
}

/* Line ends between messages, or a preamble, then the first byte of one. */
static __always_inline int http_find_start(struct http_stream *stream, struct http_chunk *chunk, struct http_head *head,
					   __u32 is_response)
{
	__u8 byte;

	if (chunk->position >= chunk->length)
		return HTTP_MORE;
	byte = http_byte(chunk, chunk->position);
	if (byte == '\r' || byte == '\n' || stream->signature) {
		http_pass_line_ends(stream, chunk);
		if (chunk->position >= chunk->length || stream->state == HTTP_PREAMBLE)
			return HTTP_MORE;
	}
	__builtin_memset(stream, 0, sizeof(*stream));
	__builtin_memset(head, 0, sizeof(*head));
	head->path_hash = HTTP_HASH_START;
	stream->state = is_response ? HTTP_STATUS : HTTP_METHOD;
	return HTTP_HEAD_START;
}

static __always_inline void http_read_method(struct http_stream *stream, struct http_chunk *chunk,
					     struct http_head *head)
{
	for (int i = 0; i <= HTTP_METHOD_MAX; i++) {
		__u32 position = chunk->position, matched = stream->matched;
		__u8 byte;

		if (position >= chunk->length || stream->state != HTTP_METHOD)
			break;
		byte = http_byte(chunk, position);
		chunk->position = position + 1;
		if (byte == ' ' && matched > 0) {
			stream->state = HTTP_TARGET;
			head->method = http_method_of(stream->token, matched);
			stream->matched = 0;
		} else if ((byte != '-' && (byte < 'A' || byte > 'Z')) || matched >= HTTP_METHOD_MAX) {
			stream->state = HTTP_SEEK;
		} else {
			stream->token = stream->token << 8 | byte;
			stream->matched = matched + 1;
		}
	}
}

/* Which form a target has tells its first byte (RFC 9112 section 3.2). */
static __always_inline void http_begin_target(struct http_stream *stream, const struct http_chunk *chunk,
					      const struct http_head *head)
{
	__u32 position = chunk->position;
	__u8 byte;

	if (position >= chunk->length)
		return;
	byte = http_byte(chunk, position);
	stream->state = byte == '/' || byte == '*' || head->method == HTTP_CONNECT ? HTTP_PATH : HTTP_SCHEME;
	/* "TCP4", "TCP6" or "UNKNOWN" */
	if (stream->token == HTTP_PROXY_TOKEN && (byte == 'T' || byte == 'U'))
		stream->state = HTTP_PREAMBLE_LINE;
}

/* The rest of a preamble of version 1, a line of at most 107 bytes. */
HTTP_CHECKED_ONCE int http_pass_line(struct http_stream *stream, struct http_chunk *chunk)
{
	if (!stream || !chunk)
		return HTTP_MORE;
	for (int i = 0; i < HTTP_CHUNK_SIZE; i++) {
		__u32 position = chunk->position;
		__u8 byte;

		if (position >= chunk->length)
			break;
		byte = http_byte(chunk, position);
		chunk->position = position + 1;
		if (byte == '\n') {
			stream->state = HTTP_START;
			return HTTP_PREAMBLE_END;
		}
	}
	return HTTP_MORE;
}

static __always_inline void http_read_scheme(struct http_stream *stream, struct http_chunk *chunk)
{
	for (int i = 0; i <= HTTP_SCHEME_MAX; i++) {
		__u32 position = chunk->position, matched = stream->matched, field = stream->field;
		__u8 byte, letter;

		if (position >= chunk->length || stream->state != HTTP_SCHEME)
			break;
		byte = http_byte(chunk, position);
		letter = (byte | 0x20) - 'a';
		chunk->position = position + 1;
		stream->matched = matched + 1;
		/* `field` counts the bytes of "://". */
		if (byte == (field ? '/' : ':') && matched > 0)
			stream->field = field + 1;
		else if (field || letter >= 26)
			stream->state = HTTP_SEEK;
		if (matched >= HTTP_SCHEME_MAX)
			stream->state = HTTP_SEEK;
		if (field == 2 && byte == '/') {
			stream->field = 0;
			stream->matched = 0;
			stream->state = HTTP_AUTHORITY;
		}
	}
}

/* Passes over bytes of an authority, a path or a query, to the first that ends it. Returns that, or 0. */
static __always_inline __u8 http_pass_target(struct http_chunk *chunk, __u32 state)
{
	__u32 position;

	for (int i = 0; i <= HTTP_CHUNK_SIZE / 8; i++) {
		__u64 word, marks;

		position = chunk->position;
		if (position >= chunk->length)
			break;
		word = http_word(chunk, position);
		marks = http_bytes_below(word, ' ' + 1);
		if (state != HTTP_QUERY)
			marks |= http_bytes_equal(word, '?') | http_bytes_equal(word, '#');
		if (state == HTTP_AUTHORITY)
			marks |= http_bytes_equal(word, '/');
		chunk->position = position + http_first_mark(marks);
		if (marks)
			break;
	}
	position = chunk->position;
	if (position < chunk->length)
		return http_byte(chunk, position);
	chunk->position = chunk->length;
	return 0;
}

/* What follows a part of a target that ended with a byte. */
static __always_inline void http_end_target(struct http_stream *stream, struct http_chunk *chunk, __u8 byte)
{
	if (byte == ' ') {
		stream->state = HTTP_VERSION;
		chunk->position = chunk->position + 1;
	} else if (byte == '/') {
		stream->state = HTTP_PATH;
	} else if (byte == '?' || byte == '#') {
		stream->state = HTTP_QUERY;
	} else {
		stream->state = HTTP_SEEK;
	}
}

/* Hashes and keeps a path's bytes [start, end) of a chunk. */
static __always_inline void http_keep_path(const struct http_chunk *chunk, struct http_head *head, __u32 start,
					   __u32 end)
{
	__u64 hash = head->path_hash;
	__u32 count;

	for (int i = 0; i < HTTP_CHUNK_SIZE && start + i < end; i++)
		hash = (hash ^ http_byte(chunk, start + i)) * HTTP_HASH_PRIME;
	head->path_hash = hash;
	for (int i = 0; i < HTTP_PATH_SIZE && start < end; i++) {
		count = head->path_length;
		HTTP_FORGET(count);
		if (count >= HTTP_PATH_SIZE)
			break;
		head->path[count] = http_byte(chunk, start);
		head->path_length = count + 1;
		start++;
	}
	if (start < end)
		head->is_path_cut = 1;
}

static __always_inline void http_read_target(struct http_stream *stream, struct http_chunk *chunk,
					     struct http_head *head)
{
	__u8 byte;

	if (stream->state == HTTP_AUTHORITY) {
		byte = http_pass_target(chunk, HTTP_AUTHORITY);
		if (!byte && chunk->position >= chunk->length)
			return;
		/* The path behind an authority may be left out: it is then "/". */
		if (byte != '/') {
			head->path_hash = (head->path_hash ^ '/') * HTTP_HASH_PRIME;
			head->path[0] = '/';
			head->path_length = 1;
		}
		http_end_target(stream, chunk, byte);
	}
	if (stream->state == HTTP_PATH) {
		__u32 start = chunk->position;

		byte = http_pass_target(chunk, HTTP_PATH);
		http_keep_path(chunk, head, start, chunk->position);
		if (!byte && chunk->position >= chunk->length)
			return;
		http_end_target(stream, chunk, byte);
	}
	if (stream->state == HTTP_QUERY) {
		byte = http_pass_target(chunk, HTTP_QUERY);
		if (!byte && chunk->position >= chunk->length)
			return;
		http_end_target(stream, chunk, byte);
	}
}

/* "HTTP/1.1" of a request, "HTTP/1.1 200" of a response; what is behind it belongs to the rest of the line. */
static __always_inline void http_read_version(struct http_stream *stream, struct http_chunk *chunk,
					      struct http_head *head, __u32 is_response)
{
	for (int i = 0; i <= HTTP_VERSION_LENGTH + 5; i++) {
		__u32 position = chunk->position, matched = stream->matched;
		__u8 byte, digit;
		bool is_right;

		if (position >= chunk->length || (stream->state != HTTP_VERSION && stream->state != HTTP_STATUS))
			break;
		byte = http_byte(chunk, position);
		digit = byte - '0';
		is_right = digit < 10;
		if (matched < HTTP_VERSION_LENGTH) {
			is_right = byte == (__u8)(HTTP_VERSION_WORD >> 8 * matched);
		} else if (matched == HTTP_VERSION_LENGTH) {
			head->version = digit ? 11 : 10;
		} else if (is_response && matched == HTTP_VERSION_LENGTH + 1) {
			is_right = byte == ' ';
		} else if (is_response && matched < HTTP_VERSION_LENGTH + 5) {
			head->status = head->status * 10 + digit;
			is_right = digit < 10 && head->status > 0;
		} else {
			is_right = byte == '\r' || byte == '\n' || (is_response && byte == ' ');
			head->has_line = is_right;
			stream->state = HTTP_REST;
			position--;
		}
		if (!is_right)
			stream->state = HTTP_SEEK;
		stream->matched = matched + 1;
		chunk->position = position + 1;
	}
}

/* The end of a Content-Length, or of one of several equal ones. Returns whether it is a number, and the only one. */
static __always_inline bool http_keep_length(struct http_stream *stream, struct http_head *head)
{
	if (stream->matched == 0 || (head->has_length && head->content_length != stream->remaining))
		return false;
	head->has_length = 1;
	head->content_length = stream->remaining;
	stream->remaining = 0;
	stream->matched = 0;
	return true;
}

/* A byte of a Content-Length. `matched` is 1 in the number, 2 behind it. Returns whether it can be. */
static __always_inline bool http_read_length(struct http_stream *stream, struct http_head *head, __u8 byte)
{
	if (byte >= '0' && byte <= '9') {
		__u64 value = stream->remaining * 10 + (byte - '0');

		stream->remaining = value;
		if (stream->matched > 1 || value >= HTTP_NUMBER_MAX)
			return false;
		stream->matched = 1;
		return true;
	}
	if (byte == ' ' || byte == '\t' || byte == '\r') {
		stream->matched = stream->matched ? 2 : 0;
		return true;
	}
	return byte == ',' && http_keep_length(stream, head);
}

/*
 * A byte of a list in which a word is looked for: as any one of `Connection`, as the last one of `Transfer-Encoding`,
 * where chunked frames a message only if it is the last coding (RFC 9112 section 6.1).
 */
static __always_inline void http_read_list(struct http_stream *stream, struct http_head *head, __u8 byte)
{
	__u32 word = stream->field + HTTP_LIST_WORDS & 7;
	__u32 matched = stream->matched & 31;
	__u8 *found = stream->field == HTTP_WORD_CODING ? &head->is_chunked : &head->is_upgrade;

	if (byte == ',') {
		stream->matched = 0;
	} else if (byte == ' ' || byte == '\t' || byte == '\r') {
		stream->matched = matched ? HTTP_MISMATCH : 0;
	} else if ((byte | 0x20) == http_words[word][matched]) {
		stream->matched = matched + 1;
		if (matched + 1 == HTTP_LIST_WORD_LENGTH)
			*found = 1;
		else if (stream->field == HTTP_WORD_CODING)
			*found = 0;
	} else {
		if (stream->field == HTTP_WORD_CODING || matched == HTTP_LIST_WORD_LENGTH)
			*found = 0;
		stream->matched = HTTP_MISMATCH;
	}
}

static __always_inline void http_read_value(struct http_stream *stream, struct http_head *head, __u8 byte)
{
	if (stream->field != HTTP_WORD_LENGTH)
		http_read_list(stream, head, byte);
	else if (!http_read_length(stream, head, byte))
		stream->state = HTTP_SEEK;
}

/* A byte of a name that may yet be one of ours. */
static __always_inline void http_read_name(struct http_stream *stream, __u8 byte)
{
	__u32 matched = stream->matched & 31;
	__u32 word = stream->word & 7;
	__u8 wanted = http_words[word][matched];

	if (byte > ' ' && (byte | 0x20) == wanted) {
		stream->matched = matched + 1;
	} else if (word == HTTP_WORD_LENGTH && matched == 3 && (byte | 0x20) == 'n') {
		stream->word = HTTP_WORD_CONNECTION;
		stream->matched = matched + 1;
	} else if (byte == ':' && wanted == 0) {
		stream->field = word;
		stream->matched = 0;
		stream->state = HTTP_VALUE;
	} else {
		stream->state = HTTP_REST;
	}
}

/* The first byte of a line; until then, `field` is that of the line before. */
static __always_inline void http_begin_line(struct http_stream *stream, struct http_head *head, __u8 byte)
{
	__u8 letter = byte | 0x20;

	if (byte == ' ' || byte == '\t') {
		/* The value of the line before goes on (RFC 9112 section 5.2). */
		stream->state = stream->field ? HTTP_VALUE : HTTP_REST;
		return;
	}
	stream->state = HTTP_REST;
	if (letter == 'c' || letter == 't')
		stream->state = stream->is_trailer ? HTTP_REST : HTTP_NAME;
	if (byte == '\n')
		stream->state = HTTP_LINES_END;
	if (byte == '\r')
		stream->state = HTTP_LINE_FEED;
	if (stream->field == HTTP_WORD_LENGTH && !http_keep_length(stream, head))
		stream->state = HTTP_SEEK;
	stream->field = 0;
	stream->matched = 1;
	stream->word = letter == 'c' ? HTTP_WORD_LENGTH : HTTP_WORD_CODING;
}

/* Passes over what does not matter of a line, and reads a byte. Returns whether there may be more to read. */
HTTP_CHECKED_ONCE int http_read_line(struct http_stream *stream, struct http_chunk *chunk, struct http_head *head)
{
	__u8 byte, state;
	__u32 position;

	if (!stream || !chunk || !head)
		return 0;
	state = stream->state;
	for (int i = 0; i <= HTTP_CHUNK_SIZE / 8 && state == HTTP_REST; i++) {
		/* Bytes below 11 are the line feed, the tab, and those that cannot be. */
		__u64 marks;

		position = chunk->position;
		if (position >= chunk->length)
			break;
		marks = http_bytes_below(http_word(chunk, position), '\n' + 1);
		chunk->position = position + http_first_mark(marks);
		if (marks)
			break;
	}
	position = chunk->position;
	if (position >= chunk->length) {
		chunk->position = chunk->length;
		return 0;
	}
	byte = http_byte(chunk, position);
	chunk->position = position + 1;
	if (state == HTTP_LINE)
		http_begin_line(stream, head, byte);
	else if (byte == '\n')
		stream->state = state == HTTP_LINE_FEED ? HTTP_LINES_END : HTTP_LINE;
	else if (byte < '\t' || state == HTTP_LINE_FEED)
		stream->state = HTTP_SEEK;
	else if (state == HTTP_NAME)
		http_read_name(stream, byte);
	else if (state == HTTP_VALUE)
		http_read_value(stream, head, byte);
	return stream->state <= HTTP_REST;
}

/* The lines of a head or of trailers, and the empty one that ends them. */
static __always_inline int http_read_lines(struct http_stream *stream, struct http_chunk *chunk, struct http_head *head)
{
	for (int i = 0; i < HTTP_CHUNK_SIZE; i++) {
		if (!http_read_line(stream, chunk, head))
			break;
	}
	if (stream->state != HTTP_LINES_END)
		return HTTP_MORE;
	stream->state = HTTP_START;
	return stream->is_trailer ? HTTP_MESSAGE_END : HTTP_HEAD_END;
}

/* A byte of a line with a chunk's size, or of the line end behind a chunk's data. Returns the next state. */
static __always_inline __u8 http_read_size(struct http_stream *stream, __u8 byte)
{
	__u8 state = stream->state, letter = (byte | 0x20) - 'a', digit = byte - '0';

	if (state == HTTP_CHUNK_END && byte == '\r')
		return HTTP_CHUNK_FEED;
	if (state >= HTTP_CHUNK_END)
		return byte == '\n' ? HTTP_CHUNK_SIZE_START : HTTP_SEEK;
	if (state == HTTP_CHUNK_EXTENSION && byte != '\n')
		return byte ? HTTP_CHUNK_EXTENSION : HTTP_SEEK;
	if (state != HTTP_CHUNK_EXTENSION && (digit < 10 || letter < 6)) {
		if (stream->remaining >= HTTP_NUMBER_MAX)
			return HTTP_SEEK;
		stream->remaining = stream->remaining << 4 | (digit < 10 ? digit : letter + 10);
		return HTTP_CHUNK_SIZE_MORE;
	}
	if (state == HTTP_CHUNK_SIZE_START)
		return HTTP_SEEK;
	if (byte == '\n') {
		stream->is_trailer = 1;
		stream->field = 0;
		return stream->remaining ? HTTP_CHUNK_DATA : HTTP_LINE;
	}
	return byte == ';' || byte == '\r' || byte == ' ' || byte == '\t' ? HTTP_CHUNK_EXTENSION : HTTP_SEEK;
}

/* A chunk's data, or a byte of what is around it. Returns whether there may be more to read. */
HTTP_CHECKED_ONCE int http_read_piece(struct http_stream *stream, struct http_chunk *chunk)
{
	__u32 position;
	__u64 count;

	if (!stream || !chunk)
		return 0;
	position = chunk->position;
	if (position >= chunk->length)
		return 0;
	if (stream->state == HTTP_CHUNK_DATA) {
		count = chunk->length - position;
		if (count >= stream->remaining) {
			count = stream->remaining;
			stream->state = HTTP_CHUNK_END;
		}
		stream->remaining -= count;
		chunk->position = position + count;
	} else {
		chunk->position = position + 1;
		stream->state = http_read_size(stream, http_byte(chunk, position));
	}
	return stream->state >= HTTP_CHUNK_SIZE_START && stream->state <= HTTP_CHUNK_FEED;
}

/* The lines with the sizes of chunks, and their data (RFC 9112 section 7.1), up to the trailers. */
static __always_inline void http_read_chunks(struct http_stream *stream, struct http_chunk *chunk)
{
	for (int i = 0; i < HTTP_CHUNK_SIZE; i++) {
		if (!http_read_piece(stream, chunk))
			break;
	}
}

/* Advances through chunk->bytes[position..length) until something happens. */
static HTTP_STEP_ATTRIBUTES int http_step(struct http_stream *stream, struct http_chunk *chunk, struct http_head *head,
					  __u32 is_response)
{
	int event = HTTP_MORE;

	if (stream->state == HTTP_START) {
		event = http_find_start(stream, chunk, head, is_response);
		if (stream->state != HTTP_PREAMBLE)
			return event;
	}
	if (stream->state >= HTTP_LENGTH)
		return http_pass(stream, chunk);
	if (stream->state < HTTP_LINE) {
		if (stream->state == HTTP_METHOD)
			http_read_method(stream, chunk, head);
		if (stream->state == HTTP_TARGET)
			http_begin_target(stream, chunk, head);
		if (stream->state == HTTP_SCHEME)
			http_read_scheme(stream, chunk);
		if (stream->state == HTTP_PREAMBLE_LINE)
			return http_pass_line(stream, chunk);
		http_read_target(stream, chunk, head);
		if (stream->state == HTTP_VERSION || stream->state == HTTP_STATUS)
			http_read_version(stream, chunk, head, is_response);
	}
	if (stream->state >= HTTP_CHUNK_SIZE_START && stream->state <= HTTP_CHUNK_FEED)
		http_read_chunks(stream, chunk);
	if (stream->state >= HTTP_LINE && stream->state <= HTTP_REST)
		event = http_read_lines(stream, chunk, head);
	return stream->state == HTTP_SEEK ? HTTP_LOST : event;
}

/* After HTTP_HEAD_END: decides how the message's body ends (RFC 9112 section 6.3). */
static __always_inline void http_begin_body(struct http_stream *stream, const struct http_head *head, __u32 is_response,
					    __u32 request_method)
{
	__u32 status = head->status;

	stream->remaining = 0;
	if (is_response && (status == 101 || (request_method == HTTP_CONNECT && status >= 200 && status < 300))) {
		stream->state = HTTP_DONE_OPAQUE;
	} else if (is_response && (status < 200 || status == 204 || status == 304 || request_method == HTTP_HEAD)) {
		stream->state = HTTP_DONE;
	} else if (head->is_chunked) {
		stream->state = HTTP_CHUNK_SIZE_START;
	} else if (head->has_length) {
		stream->remaining = head->content_length;
		stream->state = HTTP_LENGTH;
	} else {
		stream->state = is_response ? HTTP_CLOSE : HTTP_DONE;
	}
}

/*
 * How many bytes the stream can do without: of a body or a chunk's data what is left, without end where nothing is
 * looked for. 0: it must look.
 */
static __always_inline __u64 http_skippable(const struct http_stream *stream)
{
	switch (stream->state) {
	case HTTP_LENGTH:
	case HTTP_CHUNK_DATA:
	case HTTP_PREAMBLE:
		return stream->remaining;
	case HTTP_CLOSE:
	case HTTP_OPAQUE:
	case HTTP_SEEK:
		return ~0ULL;
	default:
		return 0;
	}
}

/*
 * Bytes passed unseen. HTTP_MESSAGE_END when the body ends with them, HTTP_LOST when they are more than could be
 * skipped.
 */
static __always_inline int http_skip(struct http_stream *stream, __u64 count)
{
	__u64 skippable = http_skippable(stream);

	if (count > skippable)
		return http_lose(stream);
	if (skippable == ~0ULL || count == 0)
		return HTTP_MORE;
	stream->remaining -= count;
	if (stream->remaining)
		return HTTP_MORE;
	if (stream->state == HTTP_CHUNK_DATA) {
		stream->state = HTTP_CHUNK_END;
		return HTTP_MORE;
	}
	if (stream->state == HTTP_PREAMBLE) {
		stream->state = HTTP_START;
		return HTTP_PREAMBLE_END;
	}
	stream->state = HTTP_START;
	return HTTP_MESSAGE_END;
}

/* The connection ended: HTTP_MESSAGE_END when a body went until then, else HTTP_MORE. */
static __always_inline int http_close(struct http_stream *stream)
{
	bool is_end = stream->state == HTTP_CLOSE;

	stream->state = HTTP_OPAQUE;
	return is_end ? HTTP_MESSAGE_END : HTTP_MORE;
}

#endif
