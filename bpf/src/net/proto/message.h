/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types that all parsers share: a chunk of bytes goes in, events and the heads of messages come out. Plain C
 * without memory of its own: the kernel side runs it, and tests compile it for the host.
 */
#ifndef SWPROF_NET_PROTO_MESSAGE_H
#define SWPROF_NET_PROTO_MESSAGE_H

#ifdef __bpf__
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#else
#include <linux/types.h>
#include <stdbool.h>
#endif

#define PARSER_CHUNK_SIZE 256 /* a power of two: positions are masked by it */
#define PARSER_BEGIN_SIZE 20 /* bytes that parser_may_begin() looks at */
#define HTTP_PATH_SIZE 120
#define HTTP_HASH_START 0xcbf29ce484222325ULL
#define HTTP_HASH_PRIME 0x100000001b3ULL

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

/* What a parser reports; parser.h says where `position` is then. */
enum parser_event {
	PARSER_MORE = 0, /* the chunk is used up */
	PARSER_HEAD_START, /* the first byte of a message */
	PARSER_HEAD_END,
	PARSER_MESSAGE_END,
	PARSER_LOST, /* not the protocol, or framing lost: the stream now seeks the next message */
	PARSER_PREAMBLE_END, /* the preamble of a proxy is over; messages begin */
};

/* The head of a request or a response (RFC 9110). */
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

/* The bytes that a parser reads next. */
struct parser_chunk {
	volatile __u32 position;
	volatile __u32 length; /* at most PARSER_CHUNK_SIZE */
	__u8 bytes[PARSER_CHUNK_SIZE + 8]; /* parsers read words across the end, and ignore what is there */
};

_Static_assert(sizeof(struct http_head) == 32 + HTTP_PATH_SIZE, "layout");
_Static_assert(sizeof(struct parser_chunk) == 16 + PARSER_CHUNK_SIZE, "layout");

/* Makes the compiler forget what it knows of a variable. It then keeps a check that the verifier needs. */
#define FORGET(variable) __asm__ volatile("" : "+r"(variable))

/*
 * For functions with many branches that loops call: in BPF, a global function, which the verifier checks once and not
 * once for each turn. It has to check its pointers for null.
 */
#ifdef __bpf__
#define CHECKED_ONCE __attribute__((noinline))
#else
#define CHECKED_ONCE static inline
#endif

#endif
