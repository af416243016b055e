/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Conversations made up at random, parts of which are lost, read through the parser and the pairing as net/requests.bpf.h
 * does. What belongs together is known from the places of the messages in their streams.
 */
#include "../../bpf/src/net/pairing.h"
#include "CHTTP.h"
#include <stdio.h>
#include <string.h>

enum { EXCHANGES_MAX = 24, STREAM_MAX = 1 << 15, CALLS_MAX = 400, CHUNKS_MAX = 12, MIDDLE = 8 };

enum { REQUESTS = 0, ANSWERS = 1 };

struct call {
	__u8 direction;
	__u8 is_sending; /* another one is on its way that comes later here */
	__u32 start, end;
	__u32 seen; /* bytes of it that can be read */
};

struct conversation {
	__u8 bytes[2][STREAM_MAX];
	__u32 size[2];
	__u32 starts[2][EXCHANGES_MAX + 1];
	__u16 statuses[EXCHANGES_MAX];
	bool is_damaged[2][EXCHANGES_MAX];
	struct call calls[CALLS_MAX];
	__u32 call_count;
	__u32 exchanges;
	bool is_pipelined, has_races;
};

struct reader {
	struct conversation *conversation;
	struct parser_stream streams[2];
	struct http_head heads[2];
	struct parser_chunk chunk;
	struct pairing pairing;
	__u32 waiting[PAIRING_WAITING_MAX]; /* the exchange of each */
	__u8 methods[PAIRING_WAITING_MAX];
	__u32 message_start[2];
	__u32 message_time[2], time; /* in calls */
	__u32 position[2];
	bool is_open, is_sending;
	bool is_paired[EXCHANGES_MAX];
	struct chttp_pairs *pairs;
};

static _Thread_local __u64 random_state;

static __u32 pick(__u32 limit)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 33) % limit;
}

static void put(struct conversation *conversation, int direction, const char *text)
{
	__u32 size = strlen(text);

	memcpy(conversation->bytes[direction] + conversation->size[direction], text, size);
	conversation->size[direction] += size;
}

static void put_filler(struct conversation *conversation, int direction, __u32 size)
{
	static const char filler[] = "a row of HTTP/1. text, GET / and all\r\n";

	for (__u32 i = 0; i < size; i++)
		conversation->bytes[direction][conversation->size[direction]++] = filler[i % (sizeof(filler) - 1)];
}

static void put_body(struct conversation *conversation, int direction, bool has_body)
{
	char text[64];
	__u32 size = pick(4) ? pick(60) : pick(900);

	if (pick(3)) {
		snprintf(text, sizeof(text), "Content-Length: %u\r\n\r\n", size);
		put(conversation, direction, text);
		if (has_body)
			put_filler(conversation, direction, size);
		return;
	}
	put(conversation, direction, "Transfer-Encoding: chunked\r\n\r\n");
	if (!has_body)
		return;
	for (__u32 i = pick(CHUNKS_MAX); i; i--) {
		size = 1 + pick(40);
		snprintf(text, sizeof(text), "%x\r\n", size);
		put(conversation, direction, text);
		put_filler(conversation, direction, size);
		put(conversation, direction, "\r\n");
	}
	put(conversation, direction, "0\r\n\r\n");
}

static void put_exchange(struct conversation *conversation, __u32 number)
{
	static const __u16 statuses[] = {200, 200, 200, 204, 304, 404, 500, 503};
	__u16 status = statuses[pick(8)];
	__u32 kind = pick(6);
	char text[64];

	conversation->starts[REQUESTS][number] = conversation->size[REQUESTS];
	conversation->starts[ANSWERS][number] = conversation->size[ANSWERS];
	conversation->statuses[number] = status;
	snprintf(text, sizeof(text), "%s /%u HTTP/1.1\r\nHost: x\r\n", kind == 0 ? "HEAD" : kind == 1 ? "POST" : "GET",
		 number);
	put(conversation, REQUESTS, text);
	if (kind == 1)
		put_body(conversation, REQUESTS, true);
	else
		put(conversation, REQUESTS, "\r\n");
	if (!pick(10))
		put(conversation, ANSWERS, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	snprintf(text, sizeof(text), "HTTP/1.1 %u Whatever\r\nServer: y\r\n", status);
	put(conversation, ANSWERS, text);
	if (status == 204)
		put(conversation, ANSWERS, "\r\n");
	else
		put_body(conversation, ANSWERS, kind != 0 && status != 304);
}

/* Splits bytes into calls. The rest of a method that is cut would be one too: "EAD /". */
static void add_calls(struct conversation *conversation, int direction, __u32 start, __u32 end)
{
	while (start < end && conversation->call_count < CALLS_MAX) {
		struct call *call = &conversation->calls[conversation->call_count++];
		__u32 size = pick(3) ? end - start : MIDDLE + pick(end - start);

		if (size > end - start)
			size = end - start;
		*call = (struct call){.direction = direction, .start = start, .end = start + size, .seen = size};
		start += size;
	}
}

static __u32 end_of(struct conversation *conversation, int direction, __u32 number)
{
	return number + 1 < conversation->exchanges ? conversation->starts[direction][number + 1] :
						      conversation->size[direction];
}

static void add_exchange_calls(struct conversation *conversation, int direction, __u32 number)
{
	add_calls(conversation, direction, conversation->starts[direction][number],
		  end_of(conversation, direction, number));
}

/* The calls of both directions, in an order that they can have. */
static void order_calls(struct conversation *conversation)
{
	__u32 requests = 0, answers = 0, depth;

	if (!conversation->is_pipelined) {
		for (__u32 i = 0; i < conversation->exchanges; i++) {
			add_exchange_calls(conversation, REQUESTS, i);
			add_exchange_calls(conversation, ANSWERS, i);
		}
		return;
	}
	depth = 2 + pick(20);
	while (answers < conversation->exchanges) {
		__u32 outstanding = requests - answers;

		if (requests < conversation->exchanges && (requests < 2 || !outstanding || (outstanding < depth && pick(3)))) {
			__u32 count = 1 + pick(depth - outstanding ? depth - outstanding : 1);

			if (!requests && count < 2)
				count = 2;
			for (; count && requests < conversation->exchanges; count--)
				add_exchange_calls(conversation, REQUESTS, requests++);
		} else {
			add_exchange_calls(conversation, ANSWERS, answers++);
		}
	}
}

/*
 * Some calls that send are looked at later than they end: of a server, the last one of an answer behind the first of the
 * next request; of a client, that of a request behind the first one of its answer.
 */
static void race(struct conversation *conversation, int sent)
{
	for (__u32 i = 0; i + 1 < conversation->call_count; i++) {
		struct call *call = &conversation->calls[i], *next = call + 1, other;

		if (call->direction != sent || next->direction == sent || pick(6))
			continue;
		other = *call;
		*call = *next;
		*next = other;
		call->is_sending = 1;
		i++;
	}
}

static void note_damage(struct conversation *conversation, const struct call *call)
{
	for (__u32 i = 0; i < conversation->exchanges; i++) {
		if (call->start + call->seen < end_of(conversation, call->direction, i) &&
		    call->end > conversation->starts[call->direction][i])
			conversation->is_damaged[call->direction][i] = true;
	}
}

static void damage(struct conversation *conversation, __u32 directions)
{
	__u32 first = 0;

	/* A client that pipelines shows it before anything is lost. */
	if (conversation->is_pipelined) {
		while (first < conversation->call_count && conversation->calls[first].direction == REQUESTS)
			first++;
	}
	for (__u32 i = first; i < conversation->call_count; i++) {
		struct call *call = &conversation->calls[i];

		if (!(directions >> call->direction & 1) || pick(5))
			continue;
		call->seen = pick(2) ? 0 : pick(call->end - call->start);
		note_damage(conversation, call);
	}
}

static void make_conversation(struct conversation *conversation, __u32 kind)
{
	memset(conversation, 0, sizeof(*conversation));
	conversation->is_pipelined = kind & 1;
	conversation->has_races = kind & 2;
	conversation->exchanges = 2 + pick(EXCHANGES_MAX - 2);
	for (__u32 i = 0; i < conversation->exchanges; i++)
		put_exchange(conversation, i);
	order_calls(conversation);
	if (conversation->has_races && !conversation->is_pipelined)
		race(conversation, pick(2) ? ANSWERS : REQUESTS);
	damage(conversation, kind >> 2);
}

/* The exchange whose final answer begins at a place; -1 where none does. */
static int answered_at(struct conversation *conversation, __u32 place)
{
	static const char interim[] = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";

	for (__u32 i = 0; i < conversation->exchanges; i++) {
		__u32 start = conversation->starts[ANSWERS][i];

		if (!memcmp(conversation->bytes[ANSWERS] + start, interim, sizeof(interim) - 1))
			start += sizeof(interim) - 1;
		if (place == start)
			return i;
	}
	return -1;
}

static void add_request(struct reader *reader)
{
	struct http_head *head = &reader->heads[REQUESTS];
	/* Its path is its number. */
	int exchange = head->path_length > 1 ? head->path[1] - '0' : -1;
	enum pairing_fate fate;

	if (head->path_length > 2)
		exchange = exchange * 10 + head->path[2] - '0';
	head->has_line = 0;
	reader->pairs->requests++;
	if (exchange < 0 || exchange >= EXCHANGES_MAX)
		reader->pairs->false_requests++;
	fate = pairing_add(&reader->pairing, &reader->streams[ANSWERS], head->method, reader->is_sending);
	if (fate != REQUEST_WAITS) {
		reader->pairs->unpaired++;
		return;
	}
	reader->waiting[pairing_newest(&reader->pairing)] = exchange;
	reader->methods[pairing_newest(&reader->pairing)] = head->method;
}

static void finish_answer(struct reader *reader, bool is_whole)
{
	__u32 request = reader->waiting[pairing_oldest(&reader->pairing)];
	int answer = answered_at(reader->conversation, reader->message_start[ANSWERS]);

	if (reader->pairing.answer == ANSWER_PAIRED) {
		reader->pairs->paired++;
		reader->pairs->whole += is_whole;
		if ((int)request != answer || reader->heads[ANSWERS].status != reader->conversation->statuses[request])
			reader->pairs->mispaired++;
		else
			reader->is_paired[request] = true;
	}
	if (reader->pairing.answer == ANSWER_ORPHAN)
		reader->pairs->orphans++;
	pairing_end_answer(&reader->pairing);
}

static bool is_final(const struct http_head *head)
{
	return head->status >= 200 || head->status == 101;
}

static void lose(struct reader *reader, int direction)
{
	struct http_head *head = &reader->heads[direction];

	if (direction == REQUESTS) {
		pairing_lose_requests(&reader->pairing);
		if (head->has_line)
			add_request(reader);
		reader->is_open = false;
		return;
	}
	pairing_lose_answers(&reader->pairing, reader->is_sending);
	if (head->has_line && is_final(head))
		pairing_begin_answer(&reader->pairing, reader->is_sending);
	head->has_line = 0;
	if (reader->pairing.answer != ANSWER_NONE)
		finish_answer(reader, false);
	while (pairing_drop(&reader->pairing))
		reader->pairs->unpaired++;
}

static void handle(struct reader *reader, int direction, int event)
{
	struct parser_stream *stream = &reader->streams[direction];
	struct http_head *head = &reader->heads[direction];

	switch (event) {
	case PARSER_HEAD_START:
		reader->message_start[direction] = reader->position[direction];
		reader->message_time[direction] = reader->time;
		break;
	case PARSER_HEAD_END:
		if (direction == REQUESTS) {
			if (head->has_line)
				add_request(reader);
			parser_begin_body(stream, head, 0, 0);
			break;
		}
		head->has_line = 0;
		if (!pairing_waits(&reader->pairing) && reader->heads[REQUESTS].has_line && is_final(head) &&
		    reader->message_time[ANSWERS] > reader->message_time[REQUESTS]) {
			pairing_refuse(&reader->pairing);
			add_request(reader);
		}
		parser_begin_body(stream, head, 1,
				pairing_waits(&reader->pairing) ? reader->methods[pairing_oldest(&reader->pairing)] :
								  HTTP_OTHER);
		if (!is_final(head))
			break;
		pairing_begin_answer(&reader->pairing, reader->is_sending);
		if (pairing_doubts_body(&reader->pairing, stream)) {
			parser_seek(stream);
			lose(reader, direction);
		}
		break;
	case PARSER_MESSAGE_END:
		if (direction == ANSWERS && reader->pairing.answer != ANSWER_NONE)
			finish_answer(reader, true);
		break;
	case PARSER_LOST:
		lose(reader, direction);
		break;
	}
}

static void skip(struct reader *reader, int direction, __u32 count)
{
	int event;

	if (!count)
		return;
	reader->position[direction] += count;
	if (direction == ANSWERS && parser_is_seeking(&reader->streams[direction]) && reader->is_sending)
		reader->pairing.is_early = 1;
	event = parser_skip(&reader->streams[direction], count);
	if (event != PARSER_MORE)
		handle(reader, direction, event);
}

static void read_bytes(struct reader *reader, int direction, const __u8 *bytes, __u32 size)
{
	struct parser_stream *stream = &reader->streams[direction];

	while (size) {
		__u32 length = size < PARSER_CHUNK_SIZE ? size : PARSER_CHUNK_SIZE, base = reader->position[direction];
		int event;

		reader->chunk.position = 0;
		reader->chunk.length = length;
		memcpy(reader->chunk.bytes, bytes, length);
		do {
			event = parser_next(stream, &reader->chunk, &reader->heads[direction], direction);
			reader->position[direction] = base + reader->chunk.position;
			if (event != PARSER_MORE)
				handle(reader, direction, event);
		} while (event != PARSER_MORE);
		reader->position[direction] = base + length;
		bytes += length;
		size -= length;
	}
}

static void read_call(struct reader *reader, const struct call *call)
{
	const __u8 *bytes = reader->conversation->bytes[call->direction] + call->start;
	__u32 size = call->end - call->start;
	__u8 beginning[PARSER_BEGIN_SIZE] = {};

	reader->is_sending = call->is_sending;
	reader->time++;
	if (call->is_sending && call->direction == ANSWERS)
		pairing_note_sending(&reader->pairing);
	if (parser_is_seeking(&reader->streams[call->direction]) && call->direction == REQUESTS) {
		memcpy(beginning, bytes, call->seen < sizeof(beginning) ? call->seen : sizeof(beginning));
		if (call->seen && parser_may_begin(beginning, call->seen, false) &&
		    pairing_resume(&reader->pairing, reader->is_sending))
			parser_resume(&reader->streams[REQUESTS]);
	}
	if (parser_is_seeking(&reader->streams[call->direction])) {
		skip(reader, call->direction, size);
		return;
	}
	read_bytes(reader, call->direction, bytes, call->seen);
	skip(reader, call->direction, size - call->seen);
}

/* A request whose answer and whose own bytes were all seen has that answer, if no request before it was damaged. */
static void check_paired(struct reader *reader)
{
	struct conversation *conversation = reader->conversation;

	if (conversation->is_pipelined || conversation->has_races)
		return;
	for (__u32 i = 0; i < conversation->exchanges; i++) {
		if (conversation->is_damaged[REQUESTS][i])
			return;
		if (!conversation->is_damaged[ANSWERS][i] && !reader->is_paired[i])
			reader->pairs->missed++;
	}
}

struct chttp_pairs chttp_pair(__u32 rounds, __u32 kind, __u64 seed)
{
	static _Thread_local struct conversation conversation;
	struct chttp_pairs pairs = {};

	random_state = seed;
	for (__u32 round = 0; round < rounds; round++) {
		struct reader reader = {.conversation = &conversation, .pairs = &pairs};

		make_conversation(&conversation, kind);
		pairs.made += conversation.exchanges;
		for (__u32 i = 0; i < conversation.call_count; i++)
			read_call(&reader, &conversation.calls[i]);
		pairs.waiting += reader.pairing.pushed - reader.pairing.popped;
		check_paired(&reader);
	}
	return pairs;
}
