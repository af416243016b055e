/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "CHTTP.h"

#define FUZZ_SIZE_MAX 4096
#define GUARD 0xa5a5a5a5a5a5a5a5ULL

int chttp_next(struct parser_stream *stream, struct parser_chunk *chunk, struct http_head *head, __u32 is_response)
{
	return parser_next(stream, chunk, head, is_response);
}

/* A parser with what it must not touch around it. */
struct bench {
	__u64 guard_stream;
	struct parser_stream stream;
	__u64 guard_head;
	struct http_head head;
	__u64 guard_chunk;
	struct parser_chunk chunk;
	__u64 guard_end;
	__u32 messages;
	__u64 random;
};

static __u32 next_random(struct bench *bench, __u32 limit)
{
	bench->random = bench->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (bench->random >> 33) % limit;
}

static bool is_intact(const struct bench *bench)
{
	return bench->guard_stream == GUARD && bench->guard_head == GUARD && bench->guard_chunk == GUARD &&
	       bench->guard_end == GUARD && bench->head.path_length <= HTTP_PATH_SIZE;
}

/* Reads one chunk that was put in place. */
static enum chttp_fault read_chunk(struct bench *bench, __u32 is_response)
{
	struct parser_chunk before = bench->chunk;
	__u32 steps = 0;

	for (;;) {
		int event = parser_next(&bench->stream, &bench->chunk, &bench->head, is_response);

		if (bench->chunk.position > bench->chunk.length)
			return CHTTP_OVERRUN;
		if (event == PARSER_MORE)
			break;
		if (event == PARSER_HEAD_END)
			parser_begin_body(&bench->stream, &bench->head, is_response, HTTP_GET);
		bench->messages += event == PARSER_MESSAGE_END;
		/* A start, an end of a head, and an end of the message for each byte is more than there can be. */
		if (++steps > 3 * bench->chunk.length + 3)
			return CHTTP_ENDLESS;
	}
	if (bench->chunk.position != bench->chunk.length)
		return CHTTP_OVERRUN;
	if (__builtin_memcmp(before.bytes, bench->chunk.bytes, sizeof(before.bytes)) || !is_intact(bench))
		return CHTTP_SCRIBBLED;
	return CHTTP_NONE;
}

static enum chttp_fault read_all(struct bench *bench, const __u8 *bytes, __u32 size, __u32 is_response)
{
	__u32 place = 0;

	while (place < size) {
		__u32 length = 1 + next_random(bench, PARSER_CHUNK_SIZE);
		__u64 skippable = parser_skippable(&bench->stream);
		enum chttp_fault fault;

		if (length > size - place)
			length = size - place;
		if (next_random(bench, 4) == 0 && skippable) {
			if (length > skippable)
				length = skippable;
			bench->messages += parser_skip(&bench->stream, length) == PARSER_MESSAGE_END;
			place += length;
			continue;
		}
		bench->chunk.position = 0;
		bench->chunk.length = length;
		__builtin_memset(bench->chunk.bytes, next_random(bench, 256), sizeof(bench->chunk.bytes));
		__builtin_memcpy(bench->chunk.bytes, bytes + place, length);
		fault = read_chunk(bench, is_response);
		if (fault)
			return fault;
		place += length;
	}
	return CHTTP_NONE;
}

enum chttp_fault chttp_fuzz(const __u8 *bytes, __u32 size, __u32 is_response, __u32 message_count, __u32 rounds,
			    __u64 seed)
{
	struct bench bench = { .random = seed };
	__u8 damaged[FUZZ_SIZE_MAX];
	enum chttp_fault fault;

	bench.guard_stream = bench.guard_head = bench.guard_chunk = bench.guard_end = GUARD;
	if (size == 0 || size > FUZZ_SIZE_MAX)
		return CHTTP_DEAF;
	for (__u32 round = 0; round < rounds; round++) {
		__u32 length = size, changes = 1 + next_random(&bench, 4);

		__builtin_memcpy(damaged, bytes, size);
		for (__u32 i = 0; i < changes; i++) {
			__u32 place = next_random(&bench, length);

			switch (next_random(&bench, 4)) {
			case 0:
				damaged[place] = next_random(&bench, 256);
				break;
			case 1:
				damaged[place] ^= 1 << next_random(&bench, 8);
				break;
			case 2:
				damaged[place] = "\r\n\t :,;0/?"[next_random(&bench, 10)];
				break;
			default:
				length = length > 1 ? length - 1 : 1;
				__builtin_memmove(damaged + place, damaged + place + 1, length - place);
			}
		}
		parser_resume(&bench.stream);
		fault = read_all(&bench, damaged, length, is_response);
		if (fault)
			return fault;
		if (round % 8)
			continue;
		parser_resume(&bench.stream);
		bench.messages = 0;
		fault = read_all(&bench, bytes, size, is_response);
		if (fault)
			return fault;
		if (bench.messages != message_count)
			return CHTTP_DEAF;
	}
	return CHTTP_NONE;
}

__u64 chttp_repeat(const __u8 *bytes, __u32 size, __u32 is_response, __u32 rounds)
{
	struct parser_stream stream = {};
	struct parser_chunk chunk = {};
	struct http_head head = {};
	__u64 messages = 0;

	for (__u32 round = 0; round < rounds; round++) {
		for (__u32 place = 0; place < size; place += chunk.length) {
			int event;

			chunk.position = 0;
			chunk.length = size - place < PARSER_CHUNK_SIZE ? size - place : PARSER_CHUNK_SIZE;
			__builtin_memcpy(chunk.bytes, bytes + place, chunk.length);
			while ((event = parser_next(&stream, &chunk, &head, is_response)) != PARSER_MORE) {
				if (event == PARSER_HEAD_END)
					parser_begin_body(&stream, &head, is_response, HTTP_GET);
				messages += event == PARSER_MESSAGE_END;
			}
		}
	}
	return messages;
}
