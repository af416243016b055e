/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A cache of the heads of messages: clients repeat themselves, and comparing a head costs less than parsing it.
 */
#ifndef SWPROF_NET_KNOWN_HEADS_BPF_H
#define SWPROF_NET_KNOWN_HEADS_BPF_H

#include "proto/parser.h"
#include "scratch.bpf.h"

#define BOUND_WORD(index) ((index) & (PARSER_CHUNK_SIZE / 8 - 1))

/* Heads that are cached for each scratch buffer; a power of two. */
#define KNOWN_HEADS 32

/*
 * A head that was read whole from one chunk. Clients repeat their requests, and servers their answers, byte for byte,
 * on one connection and on others.
 */
struct known_head {
	__u32 length; /* 0: none */
	__u32 is_response;
	/* Of a request: the process that has an endpoint for it, and the generation of the endpoints. */
	__u32 tgid;
	__u32 generation;
	struct http_head head;
	__u64 words[PARSER_CHUNK_SIZE / 8 + 1]; /* the chunk */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_MAX *KNOWN_HEADS);
	__type(key, __u32);
	__type(value, struct known_head);
} known_heads SEC(".maps");

/* The entry of the cache for the head that the chunk may begin with. */
static __always_inline struct known_head *known_head_of(struct scratch *scratch, __u32 response)
{
	const any_word *words = (const any_word *)scratch->chunk.bytes;
	__u64 hash = (words[0] ^ scratch->chunk.length) * 0x9e3779b97f4a7c15ULL;
	__u32 index;

	/* Answers differ most in their last lines, requests in their first. */
	hash = (hash ^ words[1] ^ response) * 0x9e3779b97f4a7c15ULL;
	hash = (hash ^ words[2]) * 0x9e3779b97f4a7c15ULL;
	index = (hash >> 59 & (KNOWN_HEADS - 1)) + scratch->place * KNOWN_HEADS;
	return bpf_map_lookup_elem(&known_heads, &index);
}

/* Takes the head at the start of the chunk from the cache. Returns its length; 0: it is not in the cache. */
static __always_inline __u32 recall_head(struct parser_stream *stream, struct scratch *scratch, struct http_head *head,
					 __u32 response)
{
	const any_word *words;
	struct known_head *known;
	__u32 length, whole, index, rest;

	known = known_head_of(scratch, response);
	if (!known)
		return 0;
	length = known->length;
	if (!length || length > scratch->chunk.length || known->is_response != response)
		return 0;
	words = (const any_word *)scratch->chunk.bytes;
	/* Compare words, four at a time, then the remaining words, then the last bytes. */
	whole = length / 8;
	for (__u32 i = 0; i < PARSER_CHUNK_SIZE / 8; i += 4) {
		if (i + 4 > whole)
			break;
		if ((known->words[i] ^ words[i]) | (known->words[i + 1] ^ words[i + 1]) |
		    (known->words[i + 2] ^ words[i + 2]) | (known->words[i + 3] ^ words[i + 3]))
			return 0;
	}
	/* The compiler would drop the bound of the loop, which the verifier of 6.1 needs. */
	rest = whole % 4;
	FORGET(rest);
	for (__u32 i = 0; i < 3; i++) {
		if (i >= rest)
			break;
		index = BOUND_WORD(whole - 1 - i);
		if (known->words[index] != words[index])
			return 0;
	}
	rest = length % 8;
	index = BOUND_WORD(whole);
	if (rest && (known->words[index] ^ words[index]) << (64 - 8 * rest))
		return 0;
	parser_take_head(stream);
	/* The path stays in the cache: it is seldom needed. */
	__builtin_memcpy(head, &known->head, offsetof(struct http_head, path));
	return length;
}

/* Puts a head that was read from the start of the chunk into the cache. */
__attribute__((noinline)) int remember_head(struct scratch *scratch, const struct http_head *head, __u32 response)
{
	const any_word *words;
	struct known_head *known;

	if (!scratch || !head)
		return 0;
	known = known_head_of(scratch, response);
	if (!known)
		return 0;
	words = (const any_word *)scratch->chunk.bytes;
	known->length = scratch->chunk.position;
	known->is_response = response;
	known->tgid = 0;
	__builtin_memcpy(&known->head, head, sizeof(*head));
	for (__u32 i = 0; i < PARSER_CHUNK_SIZE / 8; i++)
		known->words[i] = words[i];
	return 0;
}

#endif
