/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Access to the bytes of a chunk, one or eight at a time. */
#ifndef SWPROF_NET_PROTO_HTTP1_BYTES_H
#define SWPROF_NET_PROTO_HTTP1_BYTES_H

#include "message.h"

#define HTTP1_EACH_BYTE 0x0101010101010101ULL

/* Marks (0x80) the bytes of a word that are below a limit of at most 0x80. Only the first mark is reliable. */
static __always_inline __u64 http1_bytes_below(__u64 word, __u8 limit)
{
	return (word - HTTP1_EACH_BYTE * limit) & ~word & HTTP1_EACH_BYTE * 0x80;
}

/* Marks the bytes of a word that equal `byte`. Only the first mark is reliable. */
static __always_inline __u64 http1_bytes_equal(__u64 word, __u8 byte)
{
	return http1_bytes_below(word ^ HTTP1_EACH_BYTE * byte, 1);
}

/* The number of bytes before the first mark; 8: there is none. */
static __always_inline __u32 http1_first_mark(__u64 marks)
{
	return (((marks & -marks) >> 7) - 1 & HTTP1_EACH_BYTE) * HTTP1_EACH_BYTE >> 56;
}

static __always_inline __u8 http1_byte(const struct parser_chunk *chunk, __u32 position)
{
	FORGET(position);
	return chunk->bytes[position & (PARSER_CHUNK_SIZE - 1)];
}

/* Eight bytes at any address. x86-64 and arm64 can load them at once; BPF's clang would load them one by one. */
static __always_inline __u64 http1_word(const struct parser_chunk *chunk, __u32 position)
{
#ifdef __bpf__
	typedef __u64 __attribute__((may_alias)) any_word;

	FORGET(position);
	return *(const any_word *)(chunk->bytes + (position & (PARSER_CHUNK_SIZE - 1)));
#else
	__u64 word;

	__builtin_memcpy(&word, chunk->bytes + (position & (PARSER_CHUNK_SIZE - 1)), sizeof(word));
	return word;
#endif
}

#endif
