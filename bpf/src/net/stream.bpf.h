/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stream reader: fetches the bytes of connections in chunks of at most PARSER_CHUNK_SIZE bytes, and hands them to
 * the parser. It skips bodies whose length is known. It knows the interface of the parsers alone, net/proto/parser.h.
 */
#ifndef SWPROF_NET_STREAM_BPF_H
#define SWPROF_NET_STREAM_BPF_H

#include "connections.bpf.h"
#include "known_heads.bpf.h"
#include "proto/parser.h"
#include "protocol.bpf.h"
#include "requests.bpf.h"
#include "scratch.bpf.h"

/* Chunks that are read of one buffer: enough for heads of 64 kB. */
#define CHUNKS_MAX 288
/* Chunks that are read of all buffers of a call: one for each buffer, and some more. */
#define CALL_CHUNKS_MAX 2048
/* Events of the parser in one chunk: heads that follow each other, ends of messages. */
#define EVENTS_MAX 48
/* Handles the next event in the chunk. Returns whether there may be more. */
__attribute__((noinline)) int take_event(struct connection *connection, struct scratch *scratch)
{
	__u32 direction, response;
	struct parser_stream *stream;
	int event;

	if (!connection || !scratch)
		return 0;
	direction = scratch->direction & 1;
	stream = &connection->streams[direction];
	response = is_response(connection, direction);
	event = parser_next(stream, &scratch->chunk, &connection->heads[direction], response);
	connection->positions[direction] = scratch->base + scratch->chunk.position;
	if (event == PARSER_MORE)
		return 0;
	if (event == PARSER_HEAD_START)
		scratch->is_beginning = !scratch->chunk.position;
	else if (event == PARSER_HEAD_END && scratch->is_beginning)
		remember_head(scratch, &connection->heads[direction], response);
	handle_event(connection, scratch, event);
	return 1;
}

/* Gives up the message that is being read: its end is unknown. */
static __always_inline void give_up_stream(struct connection *connection, struct scratch *scratch)
{
	struct parser_stream *stream = &connection->streams[scratch->direction & 1];

	if (!parser_exists(connection->protocol) || parser_is_seeking(stream))
		return;
	parser_seek(stream);
	handle_event(connection, scratch, PARSER_LOST);
}

/* Reads the chunk in the scratch buffer. */
__attribute__((noinline)) int read_chunk(struct connection *connection, struct scratch *scratch)
{
	struct parser_stream *stream;
	__u32 direction, length;

	if (!connection || !scratch)
		return 0;
	direction = scratch->direction & 1;
	stream = &connection->streams[direction];
	scratch->base = connection->positions[direction];
	scratch->chunk.position = 0;
	scratch->is_beginning = 0;
	if (parser_is_between(stream)) {
		length =
			recall_head(stream, scratch, &connection->heads[direction], is_response(connection, direction));
		if (length) {
			begin_message(connection, scratch, direction);
			scratch->chunk.position = length;
			connection->positions[direction] = scratch->base + length;
			scratch->is_recalled = 1;
			handle_event(connection, scratch, PARSER_HEAD_END);
			scratch->is_recalled = 0;
		}
	}
	for (int i = 0; i < EVENTS_MAX; i++) {
		if (scratch->chunk.position >= scratch->chunk.length && parser_needs_more(stream))
			break;
		if (!take_event(connection, scratch))
			break;
	}
	/* The chunk has more events than are handled. */
	if (scratch->chunk.position < scratch->chunk.length && !parser_is_seeking(stream)) {
		count_network(SWPROF_NETWORK_SKIPPED);
		give_up_stream(connection, scratch);
	}
	scratch->position += scratch->chunk.length;
	scratch->chunks_left -= 1;
	connection->positions[direction] = scratch->base + scratch->chunk.length;
	return 0;
}

/* Skips bytes without reading them. The framing survives if they belong to a body. */
__attribute__((noinline)) int pass_over(struct connection *connection, struct scratch *scratch, __u64 count)
{
	__u32 direction;
	int event;

	if (!connection || !scratch)
		return 0;
	direction = scratch->direction & 1;
	connection->positions[direction] += count;
	connection->last_ns[direction] = scratch->now;
	if (!parser_exists(connection->protocol))
		return 0;
	/* The answer to a request that is still being sent. */
	if (parser_is_seeking(&connection->streams[direction]) && scratch->is_sending &&
	    is_response(connection, direction))
		connection->pairing.is_early = 1;
	scratch->chunk.position = scratch->chunk.length = 0;
	event = parser_skip(&connection->streams[direction], count);
	if (event != PARSER_MORE)
		handle_event(connection, scratch, event);
	return 0;
}

/*
 * The data of a call is read in chunks:
 *
 *	first_chunk, next_chunk	return the size of the chunk at `position`
 *	fetch_chunk		fetches it into the scratch buffer
 *	look_at_chunk		decides by the first chunk whether the data is read
 *	read_chunk		reads it
 */

/* Skips bytes that the parser can do without. Returns the size of the chunk to fetch; 0 at the end. */
__attribute__((noinline)) int next_chunk(struct connection *connection, struct scratch *scratch)
{
	__u64 left, count;
	__u32 direction;

	if (!connection || !scratch)
		return 0;
	direction = scratch->direction & 1;
	left = scratch->length - scratch->position;
	count = 0;
	/* A stream that seeks its next request must see the first bytes of each call. */
	if (parser_exists(connection->protocol) &&
	    (scratch->position || !parser_is_seeking(&connection->streams[direction]) ||
	     is_response(connection, direction)))
		count = parser_skippable(&connection->streams[direction]);
	if (count) {
		if (count > left)
			count = left;
		pass_over(connection, scratch, count);
		scratch->position += count;
		left -= count;
		if (!left)
			return 0;
	}
	scratch->chunk.length = left > PARSER_CHUNK_SIZE ? PARSER_CHUNK_SIZE : left;
	return scratch->chunk.length;
}

static __always_inline __u32 first_chunk(struct connection *connection, struct scratch *scratch)
{
	__u64 left = scratch->length - scratch->position;

	if (!parser_exists(connection->protocol) || !parser_is_in_head(&connection->streams[scratch->direction & 1]))
		return next_chunk(connection, scratch);
	/* Most chunks belong to a head. */
	scratch->chunk.length = left > PARSER_CHUNK_SIZE ? PARSER_CHUNK_SIZE : left;
	return scratch->chunk.length;
}

/* Skips the rest of the data, and counts why. */
__attribute__((noinline)) int pass_rest(struct connection *connection, struct scratch *scratch, __u32 counter)
{
	if (!connection || !scratch)
		return 0;
	count_network(counter);
	pass_over(connection, scratch, scratch->length - scratch->position);
	scratch->position = scratch->length;
	return 0;
}

/* Skips the data of a call that cannot be read. */
static __always_inline void miss_data(struct connection *connection, struct scratch *scratch, __u64 length)
{
	scratch->position = 0;
	scratch->length = length;
	pass_rest(connection, scratch, SWPROF_NETWORK_UNREADABLE);
}

enum look {
	LOOK_AWAY = 0,
	LOOK_AND_READ = 1,
	LOOK_AND_SEND = 2, /* send the first `wanted` bytes, then read */
};

__attribute__((noinline)) int decide_on_chunk(struct connection *connection, struct scratch *scratch)
{
	__u32 direction;

	if (!connection || !scratch)
		return LOOK_AWAY;
	direction = scratch->direction & 1;
	if (!connection->has_prefix[direction])
		keep_prefix(connection, scratch);
	if (!may_read(connection, scratch)) {
		connection->positions[direction] += scratch->length;
		scratch->position = scratch->length;
		return LOOK_AWAY;
	}
	if (!network.payload_bytes || !parser_is_between(&connection->streams[direction]))
		return LOOK_AND_READ;
	scratch->wanted = scratch->length > network.payload_bytes ? network.payload_bytes : scratch->length;
	return LOOK_AND_SEND;
}

static __always_inline int look_at_chunk(struct connection *connection, struct scratch *scratch)
{
	__u32 direction = scratch->direction & 1;

	if (scratch->position)
		return LOOK_AND_READ;
	if (parser_exists(connection->protocol) && !parser_is_seeking(&connection->streams[direction]) &&
	    connection->has_prefix[direction] && !network.payload_bytes)
		return LOOK_AND_READ;
	return decide_on_chunk(connection, scratch);
}

/* Sends the first bytes of a message to user space. */
__attribute__((noinline)) int send_beginning(struct connection *connection, struct scratch *scratch)
{
	__u32 size;

	if (!connection || !scratch)
		return 0;
	size = BOUNDED(scratch->wanted, SWPROF_PAYLOAD_MAX);
	scratch->beginning.head.record = SWPROF_RECORD_PAYLOAD;
	scratch->beginning.head.size = size;
	scratch->beginning.head.socket = connection->shared.socket;
	scratch->beginning.head.inode = connection->shared.inode;
	scratch->beginning.head.direction = scratch->direction & 1;
	scratch->beginning.head.number = connection->messages[scratch->direction & 1] + 1;
	if (bpf_ringbuf_output(&network_records, &scratch->beginning, sizeof(scratch->beginning.head) + size,
			       BPF_RB_NO_WAKEUP))
		count_network(SWPROF_NETWORK_PAYLOAD_LOST);
	return 0;
}

/* Fetches a part of the data from a packet or, if that is NULL, from the memory of the current process. */
static __always_inline long fetch(struct scratch *scratch, struct bpf_dynptr *packet, void *bytes, __u32 size,
				  __u32 position)
{
	return packet ? bpf_dynptr_read(bytes, size, packet, scratch->offset + position, 0)
		      : bpf_probe_read_user(bytes, size, (void *)(scratch->address + position));
}

/* Fetches a chunk of `size` bytes. Returns whether it could. */
static __always_inline bool fetch_chunk(struct connection *connection, struct scratch *scratch,
					struct bpf_dynptr *packet, __u32 size)
{
	size = BOUNDED(size, PARSER_CHUNK_SIZE);
	if (!fetch(scratch, packet, scratch->chunk.bytes, size, scratch->position))
		return true;
	pass_rest(connection, scratch, SWPROF_NETWORK_UNREADABLE);
	return false;
}

/* Reads the first `length` bytes of the data. */
static __always_inline void read_chunks(struct connection *connection, struct scratch *scratch,
					struct bpf_dynptr *packet, __u64 length)
{
	__u32 size;

	scratch->position = 0;
	scratch->length = length;
	for (int i = 0; i < CHUNKS_MAX && scratch->position < scratch->length; i++) {
		if ((__s32)scratch->chunks_left <= 0)
			break;
		size = i ? next_chunk(connection, scratch) : first_chunk(connection, scratch);
		if (!size || !fetch_chunk(connection, scratch, packet, size))
			break;
		if (!i) {
			int verdict = look_at_chunk(connection, scratch);

			if (!verdict)
				break;
			size = BOUNDED(scratch->wanted, SWPROF_PAYLOAD_MAX);
			if (verdict == LOOK_AND_SEND) {
				if (fetch(scratch, packet, scratch->beginning.bytes, size, 0))
					count_network(SWPROF_NETWORK_PAYLOAD_LOST);
				else
					send_beginning(connection, scratch);
			}
		}
		read_chunk(connection, scratch);
	}
	/* The rest is a body, most often. */
	if (scratch->position < scratch->length && next_chunk(connection, scratch))
		pass_rest(connection, scratch, SWPROF_NETWORK_SKIPPED);
	connection->last_ns[scratch->direction & 1] = scratch->now;
}

/* Reads data in the memory of the current process. */
__attribute__((noinline)) int read_memory(struct connection *connection, struct scratch *scratch, __u64 address,
					  __u64 length)
{
	if (!connection || !scratch || is_done(connection, scratch->direction))
		return 0;
	scratch->address = address;
	read_chunks(connection, scratch, NULL, length);
	return 0;
}

/* Ends both streams with their connection. That completes an answer that lasts to the end, unless it was a reset. */
static __always_inline void end_streams(struct connection *connection, struct scratch *scratch)
{
	const __u32 resets = SWPROF_CONNECTION_RESET_SENT | SWPROF_CONNECTION_RESET_RECEIVED;
	bool is_end;

	if (!parser_exists(connection->protocol) || !scratch)
		return;
	scratch->is_sending = 0;
	for (__u32 direction = 0; direction < 2; direction++) {
		is_end = parser_close(&connection->streams[direction]) == PARSER_MESSAGE_END;
		scratch->direction = direction;
		scratch->now = connection->last_ns[direction];
		if (!is_response(connection, direction))
			continue;
		if (is_end && !(connection->shared.flags & resets))
			handle_event(connection, scratch, PARSER_MESSAGE_END);
		else
			break_answer(connection, scratch, 0);
	}
}

/* Counts an answer that goes on as the capture ends: it has begun at least. */
static __always_inline void note_answer(struct connection *connection, struct scratch *scratch)
{
	if (!parser_exists(connection->protocol) || !scratch)
		return;
	scratch->is_sending = 0;
	scratch->direction = is_http_server(connection) ? SWPROF_SENT : SWPROF_RECEIVED;
	break_answer(connection, scratch, 0);
}

/* Ends a connection at whose address there is another socket now. */
__attribute__((noinline)) int end_replaced(struct connection *connection)
{
	if (!connection)
		return 0;
	end_streams(connection, current_scratch());
	replace_connection(connection, connection->shared.socket);
	return 0;
}

/* The connection of a socket of the current process, which is a target; NULL: it cannot be tracked. */
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

static __always_inline struct scratch *begin_look(__u32 direction, __u64 now)
{
	struct scratch *scratch = current_scratch();

	if (scratch) {
		scratch->direction = direction;
		scratch->now = now;
		scratch->is_sending = 0;
		scratch->chunks_left = CALL_CHUNKS_MAX;
	}
	return scratch;
}

/* Notes whether TCP has taken bytes of a call that still sends, up to its sequence number `next`. */
static __always_inline void note_sending(struct connection *connection, struct scratch *scratch, __u32 next)
{
	scratch->is_sending =
		connection->has_sequence[SWPROF_SENT] && (__s32)(next - connection->sequence[SWPROF_SENT]) > 0;
	if (scratch->is_sending && !is_http_server(connection))
		pairing_note_sending(&connection->pairing);
}

static __always_inline bool is_encrypted(struct connection *connection)
{
	return connection->shared.flags & SWPROF_CONNECTION_TLS;
}

#endif
