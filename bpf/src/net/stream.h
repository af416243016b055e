/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of connections, looked at as they pass: which of them, piece by piece, and where in memory they are.
 *
 * Pieces have at most PARSER_CHUNK_SIZE bytes; bodies whose length is known are passed over unseen.
 */
#ifndef SWPROF_PIECES_BPF_H
#define SWPROF_PIECES_BPF_H

#include "known_heads.h"
#include "requests.h"

/* How many pieces of a buffer are looked at: heads of 64 kB are whole. */
#define PIECES_MAX 288
/* The same of all buffers of a call: each may need one, and some more. */
#define CALL_PIECES_MAX 2048
/* How many things may happen in one piece: heads that follow each other, chunks of a body. */
#define EVENTS_MAX 48
/* How many calls that cannot begin HTTP make a connection one of another protocol. */
#define ATTEMPTS_MAX 16
#define ATTEMPTS_MAX_SEEDED 200

/* The next thing that happens in the piece. Returns whether there may be more. */
__attribute__((noinline)) int take_event(struct connection *connection, struct payload *payload)
{
	__u32 direction, response;
	struct parser_stream *stream;
	int event;

	if (!connection || !payload)
		return 0;
	direction = payload->direction & 1;
	stream = &connection->streams[direction];
	response = is_response(connection, direction);
	event = parser_next(stream, &payload->chunk, &connection->heads[direction], response);
	connection->positions[direction] = payload->base + payload->chunk.position;
	if (event == PARSER_MORE)
		return 0;
	if (event == PARSER_HEAD_START)
		payload->is_beginning = !payload->chunk.position;
	else if (event == PARSER_HEAD_END && payload->is_beginning)
		remember_head(payload, &connection->heads[direction], response);
	handle_event(connection, payload, event);
	return 1;
}

/* Where the message that is being read ends is not known any more. */
static __always_inline void give_up_stream(struct connection *connection, struct payload *payload)
{
	struct parser_stream *stream = &connection->streams[payload->direction & 1];

	if (!parser_exists(connection->protocol) || parser_is_seeking(stream))
		return;
	parser_seek(stream);
	handle_event(connection, payload, PARSER_LOST);
}

/* Reads the piece of the data that lies in the payload. */
__attribute__((noinline)) int read_piece(struct connection *connection, struct payload *payload)
{
	struct parser_stream *stream;
	__u32 direction, length;

	if (!connection || !payload)
		return 0;
	direction = payload->direction & 1;
	stream = &connection->streams[direction];
	payload->base = connection->positions[direction];
	payload->chunk.position = 0;
	payload->is_beginning = 0;
	if (parser_is_between(stream)) {
		length =
			recall_head(stream, payload, &connection->heads[direction], is_response(connection, direction));
		if (length) {
			begin_message(connection, payload, direction);
			payload->chunk.position = length;
			connection->positions[direction] = payload->base + length;
			payload->is_recalled = 1;
			handle_event(connection, payload, PARSER_HEAD_END);
			payload->is_recalled = 0;
		}
	}
	for (int i = 0; i < EVENTS_MAX; i++) {
		if (payload->chunk.position >= payload->chunk.length && parser_needs_more(stream))
			break;
		if (!take_event(connection, payload))
			break;
	}
	/* More happens here than is looked at. */
	if (payload->chunk.position < payload->chunk.length && !parser_is_seeking(stream)) {
		count_network(SWPROF_NETWORK_SKIPPED);
		give_up_stream(connection, payload);
	}
	payload->position += payload->chunk.length;
	payload->pieces_left -= 1;
	connection->positions[direction] = payload->base + payload->chunk.length;
	return 0;
}

/* Bytes that are not to be seen: of a body, they do no harm. */
__attribute__((noinline)) int pass_over(struct connection *connection, struct payload *payload, __u64 count)
{
	__u32 direction;
	int event;

	if (!connection || !payload)
		return 0;
	direction = payload->direction & 1;
	connection->positions[direction] += count;
	connection->last_ns[direction] = payload->now;
	if (!parser_exists(connection->protocol))
		return 0;
	/* An answer whose request is still being sent. */
	if (parser_is_seeking(&connection->streams[direction]) && payload->is_sending &&
	    is_response(connection, direction))
		connection->pairing.is_early = 1;
	payload->chunk.position = payload->chunk.length = 0;
	event = parser_skip(&connection->streams[direction], count);
	if (event != PARSER_MORE)
		handle_event(connection, payload, event);
	return 0;
}

/* Decides by the first piece of a call what a connection speaks. Returns whether the call is to be read. */
static __always_inline bool decide_protocol(struct connection *connection, struct payload *payload, __u32 direction)
{
	struct swprof_connection *shared = &connection->shared;
	bool is_answer = false;
	enum protocol protocol;

	protocol = parser_protocol_of(payload->chunk.bytes, payload->chunk.length, &is_answer);
	if (protocol == PROTOCOL_UNREAD) {
		connection->protocol = PROTOCOL_UNREAD;
		return false;
	}
	if (protocol == PROTOCOL_UNDECIDED) {
		connection->attempts += 1;
		if (connection->attempts >=
		    (shared->flags & SWPROF_CONNECTION_SEEDED ? ATTEMPTS_MAX_SEEDED : ATTEMPTS_MAX))
			connection->protocol = PROTOCOL_UNREAD;
		return false;
	}
	if (is_answer == (direction == SWPROF_SENT))
		shared->flags |= SWPROF_CONNECTION_HTTP_SERVER;
	/* Requests whose answers nobody reads would shift those that follow. */
	if (shared->family == AF_UNIX && !is_met(SWPROF_NEED_LENGTHS)) {
		need(SWPROF_NEED_LENGTHS);
		return false;
	}
	connection->protocol = protocol;
	parser_resume(&connection->streams[0]);
	parser_resume(&connection->streams[1]);
	__builtin_memset(&connection->pairing, 0, sizeof(connection->pairing));
	if (is_http_server(connection))
		return true;
	if (network.server_only) {
		connection->protocol = PROTOCOL_UNREAD;
		return false;
	}
	if (is_tcp(shared))
		need(SWPROF_NEED_SENDING);
	return true;
}

/*
 * Whether the data of a call, whose first piece lies in the payload, is to be read: decides what the connection speaks,
 * and finds the next message where the last one's end is not known.
 */
__attribute__((noinline)) int may_read(struct connection *connection, struct payload *payload)
{
	struct swprof_connection *shared;
	__u32 direction, length;

	if (!connection || !payload)
		return 0;
	shared = &connection->shared;
	direction = payload->direction & 1;
	length = payload->chunk.length;
	if (connection->protocol == PROTOCOL_UNREAD)
		return 0;
	if (parser_exists(connection->protocol)) {
		if (!parser_is_seeking(&connection->streams[direction]))
			return 1;
		/* Answers begin again with a request. */
		if (is_response(connection, direction))
			return 0;
		if (parser_may_begin(payload->chunk.bytes, length, 0) &&
		    pairing_resume(&connection->pairing, payload->is_sending)) {
			parser_resume(&connection->streams[direction]);
			return 1;
		}
		/* What began like HTTP may have been the preamble of another protocol. */
		if (!(shared->flags & SWPROF_CONNECTION_HTTP) && ++connection->attempts >= ATTEMPTS_MAX)
			connection->protocol = PROTOCOL_UNREAD;
		return 0;
	}
	return decide_protocol(connection, payload, direction);
}

/* Keeps the first bytes of a direction. */
__attribute__((noinline)) int keep_prefix(struct connection *connection, struct payload *payload)
{
	__u32 direction, size;

	if (!connection || !payload)
		return 0;
	direction = payload->direction & 1;
	size = connection->shared.prefix_size[direction];
	for (__u32 i = 0; i < SWPROF_PREFIX_SIZE; i++) {
		if (size >= SWPROF_PREFIX_SIZE || i >= payload->chunk.length)
			break;
		connection->shared.prefix[direction][size & (SWPROF_PREFIX_SIZE - 1)] = payload->chunk.bytes[i];
		size++;
	}
	connection->shared.prefix_size[direction] = size;
	connection->has_prefix[direction] = size >= SWPROF_PREFIX_SIZE;
	connection->shared.prefix_bytes[direction] += payload->length;
	return 0;
}

/* Whether nothing of a direction needs to be looked at any more. */
static __always_inline bool is_done(struct connection *connection, __u32 direction)
{
	return connection->protocol == PROTOCOL_UNREAD && connection->has_prefix[direction & 1];
}

/*
 * The data of a call is read piece by piece: first_piece and find_piece tell how much comes next, at `position`; the
 * caller fetches that, each in its way; look_at_piece tells of the first one whether it is to be read, and read_piece
 * reads it.
 */

/* Passes over what need not be seen. Returns the size of the piece to fetch; 0 at the end. */
__attribute__((noinline)) int find_piece(struct connection *connection, struct payload *payload)
{
	__u64 left, count;
	__u32 direction;

	if (!connection || !payload)
		return 0;
	direction = payload->direction & 1;
	left = payload->length - payload->position;
	count = 0;
	/* Where a request is looked for, it may begin where a call's data does. */
	if (parser_exists(connection->protocol) &&
	    (payload->position || !parser_is_seeking(&connection->streams[direction]) ||
	     is_response(connection, direction)))
		count = parser_skippable(&connection->streams[direction]);
	if (count) {
		if (count > left)
			count = left;
		pass_over(connection, payload, count);
		payload->position += count;
		left -= count;
		if (!left)
			return 0;
	}
	payload->chunk.length = left > PARSER_CHUNK_SIZE ? PARSER_CHUNK_SIZE : left;
	return payload->chunk.length;
}

static __always_inline __u32 first_piece(struct connection *connection, struct payload *payload)
{
	__u64 left = payload->length - payload->position;

	if (!parser_exists(connection->protocol) || !parser_is_in_head(&connection->streams[payload->direction & 1]))
		return find_piece(connection, payload);
	/* The most frequent case: a head begins or goes on. */
	payload->chunk.length = left > PARSER_CHUNK_SIZE ? PARSER_CHUNK_SIZE : left;
	return payload->chunk.length;
}

/* Passes over what is left of the data, which is not looked at for a reason that is counted. */
__attribute__((noinline)) int pass_rest(struct connection *connection, struct payload *payload, __u32 counter)
{
	if (!connection || !payload)
		return 0;
	count_network(counter);
	pass_over(connection, payload, payload->length - payload->position);
	payload->position = payload->length;
	return 0;
}

/* The data of a call cannot be read at all. */
static __always_inline void miss_data(struct connection *connection, struct payload *payload, __u64 length)
{
	payload->position = 0;
	payload->length = length;
	pass_rest(connection, payload, SWPROF_NETWORK_UNREADABLE);
}

enum look {
	LOOK_AWAY = 0,
	LOOK_AND_READ = 1,
	LOOK_AND_SEND = 2, /* the first `wanted` bytes of the data first */
};

__attribute__((noinline)) int decide_on_piece(struct connection *connection, struct payload *payload)
{
	__u32 direction;

	if (!connection || !payload)
		return LOOK_AWAY;
	direction = payload->direction & 1;
	if (!connection->has_prefix[direction])
		keep_prefix(connection, payload);
	if (!may_read(connection, payload)) {
		connection->positions[direction] += payload->length;
		payload->position = payload->length;
		return LOOK_AWAY;
	}
	if (!network.payload_bytes || !parser_is_between(&connection->streams[direction]))
		return LOOK_AND_READ;
	payload->wanted = payload->length > network.payload_bytes ? network.payload_bytes : payload->length;
	return LOOK_AND_SEND;
}

static __always_inline int look_at_piece(struct connection *connection, struct payload *payload)
{
	__u32 direction = payload->direction & 1;

	if (payload->position)
		return LOOK_AND_READ;
	if (parser_exists(connection->protocol) && !parser_is_seeking(&connection->streams[direction]) &&
	    connection->has_prefix[direction] && !network.payload_bytes)
		return LOOK_AND_READ;
	return decide_on_piece(connection, payload);
}

/* Sends the beginning of the data, in which a message begins. */
__attribute__((noinline)) int send_beginning(struct connection *connection, struct payload *payload)
{
	__u32 size;

	if (!connection || !payload)
		return 0;
	size = BOUNDED(payload->wanted, SWPROF_PAYLOAD_MAX);
	payload->beginning.head.record = SWPROF_RECORD_PAYLOAD;
	payload->beginning.head.size = size;
	payload->beginning.head.socket = connection->shared.socket;
	payload->beginning.head.inode = connection->shared.inode;
	payload->beginning.head.direction = payload->direction & 1;
	payload->beginning.head.number = connection->messages[payload->direction & 1] + 1;
	if (bpf_ringbuf_output(&network_records, &payload->beginning, sizeof(payload->beginning.head) + size,
			       BPF_RB_NO_WAKEUP))
		count_network(SWPROF_NETWORK_PAYLOAD_LOST);
	return 0;
}

/* Fetches a part of the data: of a packet, or without one of the memory of the current process. */
static __always_inline long fetch(struct payload *payload, struct bpf_dynptr *packet, void *bytes, __u32 size,
				  __u32 position)
{
	return packet ? bpf_dynptr_read(bytes, size, packet, payload->offset + position, 0)
		      : bpf_probe_read_user(bytes, size, (void *)(payload->address + position));
}

/* Fetches a piece of `size` bytes. Returns whether it is there. */
static __always_inline bool fetch_piece(struct connection *connection, struct payload *payload,
					struct bpf_dynptr *packet, __u32 size)
{
	size = BOUNDED(size, PARSER_CHUNK_SIZE);
	if (!fetch(payload, packet, payload->chunk.bytes, size, payload->position))
		return true;
	pass_rest(connection, payload, SWPROF_NETWORK_UNREADABLE);
	return false;
}

/* Reads `length` bytes of data from its beginning on. */
static __always_inline void read_pieces(struct connection *connection, struct payload *payload,
					struct bpf_dynptr *packet, __u64 length)
{
	__u32 size;

	payload->position = 0;
	payload->length = length;
	for (int i = 0; i < PIECES_MAX && payload->position < payload->length; i++) {
		if ((__s32)payload->pieces_left <= 0)
			break;
		size = i ? find_piece(connection, payload) : first_piece(connection, payload);
		if (!size || !fetch_piece(connection, payload, packet, size))
			break;
		if (!i) {
			int verdict = look_at_piece(connection, payload);

			if (!verdict)
				break;
			size = BOUNDED(payload->wanted, SWPROF_PAYLOAD_MAX);
			if (verdict == LOOK_AND_SEND) {
				if (fetch(payload, packet, payload->beginning.bytes, size, 0))
					count_network(SWPROF_NETWORK_PAYLOAD_LOST);
				else
					send_beginning(connection, payload);
			}
		}
		read_piece(connection, payload);
	}
	/* What is left is a body, most often. */
	if (payload->position < payload->length && find_piece(connection, payload))
		pass_rest(connection, payload, SWPROF_NETWORK_SKIPPED);
	connection->last_ns[payload->direction & 1] = payload->now;
}

/* Reads data in the memory of the current process. */
__attribute__((noinline)) int read_memory(struct connection *connection, struct payload *payload, __u64 address,
					  __u64 length)
{
	if (!connection || !payload || is_done(connection, payload->direction))
		return 0;
	payload->address = address;
	read_pieces(connection, payload, NULL, length);
	return 0;
}

/* The end of a connection may be the end of an answer, unless it is a reset; else an answer has none. */
static __always_inline void end_streams(struct connection *connection, struct payload *payload)
{
	const __u32 resets = SWPROF_CONNECTION_RESET_SENT | SWPROF_CONNECTION_RESET_RECEIVED;
	bool is_end;

	if (!parser_exists(connection->protocol) || !payload)
		return;
	payload->is_sending = 0;
	for (__u32 direction = 0; direction < 2; direction++) {
		is_end = parser_close(&connection->streams[direction]) == PARSER_MESSAGE_END;
		payload->direction = direction;
		payload->now = connection->last_ns[direction];
		if (!is_response(connection, direction))
			continue;
		if (is_end && !(connection->shared.flags & resets))
			handle_event(connection, payload, PARSER_MESSAGE_END);
		else
			break_answer(connection, payload, 0);
	}
}

/* Of a connection that outlasts the capture: an answer that goes on has begun at least. */
static __always_inline void note_answer(struct connection *connection, struct payload *payload)
{
	if (!parser_exists(connection->protocol) || !payload)
		return;
	payload->is_sending = 0;
	payload->direction = is_http_server(connection) ? SWPROF_SENT : SWPROF_RECEIVED;
	break_answer(connection, payload, 0);
}

/* Another socket is where that of a connection was. */
__attribute__((noinline)) int end_replaced(struct connection *connection)
{
	if (!connection)
		return 0;
	end_streams(connection, current_payload());
	replace_connection(connection, connection->shared.socket);
	return 0;
}

/* The connection of a socket that the current process, a target, uses. */
static __always_inline struct connection *current_connection(struct sock *sk)
{
	__u64 address = (__u64)sk;
	struct connection *connection = connection_at(address);

	if (connection && !is_tcp(&connection->shared) && connection->shared.inode != socket_inode(sk)) {
		end_replaced(connection);
		connection = NULL;
	}
	if (connection)
		return connection;
	if (!create_connection(sk, (struct task_struct *)bpf_get_current_task(), 0))
		return NULL;
	return connection_at(address);
}

static __always_inline struct payload *begin_look(__u32 direction, __u64 now)
{
	struct payload *payload = current_payload();

	if (payload) {
		payload->direction = direction;
		payload->now = now;
		payload->is_sending = 0;
		payload->pieces_left = CALL_PIECES_MAX;
	}
	return payload;
}

/* Of a look at what was received: notes whether something is being sent that TCP has taken, up to its number `next`. */
static __always_inline void note_sending(struct connection *connection, struct payload *payload, __u32 next)
{
	payload->is_sending =
		connection->has_sequence[SWPROF_SENT] && (__s32)(next - connection->sequence[SWPROF_SENT]) > 0;
	if (payload->is_sending && !is_http_server(connection))
		pairing_note_sending(&connection->pairing);
}

static __always_inline bool is_encrypted(struct connection *connection)
{
	return connection->shared.flags & SWPROF_CONNECTION_TLS;
}

#endif
