/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP requests: pairs them with their answers, and sums them up by path.
 *
 * A finished request only adds to counters. User space gets a record of a request that is slow or failed.
 */
#ifndef SWPROF_NET_REQUESTS_BPF_H
#define SWPROF_NET_REQUESTS_BPF_H

#include "connections.bpf.h"
#include "endpoints.bpf.h"
#include "pairing.h"
#include "proto/parser.h"
#include "scratch.bpf.h"
#include "tcp_times.bpf.h"

/*
 * Another process than its owner uses a connection. Its requests are that process's. The connection is as well, if
 * there was no request before.
 */
static __always_inline __u32 change_handler(struct connection *connection)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tgid = tgid_in_namespace(task);

	if (!tgid || connection->shared.flags & SWPROF_CONNECTION_HTTP)
		return tgid ? tgid : connection->shared.tgid;
	connection->shared.tgid = tgid;
	connection->owner = BPF_CORE_READ(task, tgid);
	read_comm(connection->shared.comm, task);
	return tgid;
}

/* The process that has just received or sent a request. */
static __always_inline __u32 current_handler(struct connection *connection)
{
	if ((__u32)(bpf_get_current_pid_tgid() >> 32) == connection->owner)
		return connection->shared.tgid;
	return change_handler(connection);
}

/* Counts a request that is not paired with an answer. */
static __always_inline void count_unpaired(struct connection *connection, struct swprof_endpoint_key *key)
{
	struct swprof_endpoint *endpoint = endpoint_at(key);

	count_network(SWPROF_NETWORK_UNPAIRED);
	if (endpoint)
		__sync_fetch_and_add(&endpoint->unpaired, 1);
	if (!network.server_only)
		connection->shared.unpaired += 1;
}

/* Adds a request to those that wait for an answer. Its head, or its first line at least, has been read. */
__attribute__((noinline)) int add_request(struct connection *connection, struct scratch *scratch, __u32 direction)
{
	struct pending_request *request;
	struct swprof_endpoint *endpoint;
	struct swprof_endpoint_key key;
	struct http_head *head;
	__u32 tgid, fate;

	if (!connection || !scratch)
		return 0;
	direction &= 1;
	head = &connection->heads[direction];
	head->has_line = 0;
	tgid = current_handler(connection);
	connection->shared.flags |= SWPROF_CONNECTION_HTTP;
	fill_endpoint_key(connection, &key, tgid, head->method, head->path_hash);
	if (!has_endpoint(scratch, tgid)) {
		endpoint = endpoint_of(connection, scratch, &key, head);
		if (endpoint) {
			note_endpoint(scratch, tgid);
		} else {
			count_network(SWPROF_NETWORK_ENDPOINT_TABLE_FULL);
			key.path_hash = 0;
			key.method = 0;
			endpoint = endpoint_of(connection, scratch, &key, NULL);
		}
		if (endpoint)
			__sync_fetch_and_add(&endpoint->requests, 1);
	}
	if (!network.server_only)
		connection->shared.requests += 1;
	fate = pairing_add(&connection->pairing, &connection->streams[!direction], head->method, scratch->is_sending);
	if (fate != REQUEST_WAITS) {
		if (fate == REQUEST_UNKEPT)
			count_network(SWPROF_NETWORK_PIPELINE_OVERFLOW);
		count_unpaired(connection, &key);
		return 0;
	}
	request = &connection->pending[pairing_newest(&connection->pairing)];
	request->first_ns = connection->message_ns[direction];
	request->path_hash = key.path_hash;
	request->tgid = tgid;
	request->method = key.path_hash ? head->method : 0;
	/* The body is read after this. */
	request->bytes = 0;
	request->number = connection->messages[direction];
	return 0;
}

/* The request has been read whole. Sets its size if it is the newest one that waits. */
static __always_inline void end_request(struct connection *connection, __u32 direction)
{
	struct pending_request *request;

	connection->is_open = 0;
	if (!pairing_waits(&connection->pairing))
		return;
	request = &connection->pending[pairing_newest(&connection->pairing)];
	if (request->number == connection->messages[direction])
		request->bytes = connection->positions[direction] - connection->message_start[direction];
}

static __always_inline struct pending_request *oldest_request(struct connection *connection)
{
	if (!pairing_waits(&connection->pairing))
		return NULL;
	return &connection->pending[pairing_oldest(&connection->pairing)];
}

static __always_inline void add_peer_time(struct connection *connection, struct scratch *scratch, __u32 bucket)
{
	struct swprof_peer_key key = {};
	struct swprof_times *times;

	key.tgid = connection->shared.tgid;
	key.is_server = is_http_server(connection);
	key.peer = connection->shared.peer;
	times = near_times_of(&key);
	if (!times)
		times = times_in(&peer_times, &key, scratch);
	if (!times || !add_time(times->counts, bucket))
		count_network(SWPROF_NETWORK_PEER_TABLE_FULL);
}

static __always_inline bool is_sample(__u16 status, __u64 duration)
{
	return network.keeps_samples && (status >= 400 || duration >= network.slow_ns);
}

/*
 * How an answer ends. Callers pass constants for `is_whole`, so that the compiler drops the branches that they do not
 * take.
 */
struct ending {
	bool is_whole; /* its last byte was seen */
	bool is_missed; /* else, if set: its end was not seen; if not: it goes on, or its connection has ended */
};

static __always_inline void send_sample(struct connection *connection, struct scratch *scratch,
					struct pending_request *request, struct swprof_endpoint_key *key,
					struct swprof_endpoint *endpoint, __u32 direction, __u16 status, __u64 duration,
					__u64 first_byte, __u64 bytes, struct ending ending)
{
	struct swprof_request_sample *sample = &scratch->sample;

	sample->record = SWPROF_RECORD_SAMPLE;
	sample->tgid = request->tgid;
	sample->socket = connection->shared.socket;
	sample->inode = connection->shared.inode;
	sample->endpoint = *key;
	sample->started_ns = request->first_ns;
	sample->duration_ns = ending.is_whole ? duration : 0;
	sample->first_byte_ns = first_byte;
	sample->request_bytes = request->bytes;
	sample->response_bytes = bytes;
	sample->request_number = request->number;
	sample->response_number = connection->messages[direction];
	sample->status = status;
	sample->remote_port = connection->shared.remote_port;
	sample->family = connection->shared.family;
	sample->is_endless = !ending.is_whole;
	__builtin_memcpy(sample->remote, connection->shared.remote, sizeof(sample->remote));
	__builtin_memcpy(sample->comm, endpoint ? endpoint->comm : connection->shared.comm, sizeof(sample->comm));
	if (endpoint)
		__builtin_memcpy(sample->path, endpoint->path, sizeof(sample->path));
	else
		__builtin_memset(sample->path, 0, sizeof(sample->path));
	if (bpf_ringbuf_output(&network_records, sample, sizeof(*sample), BPF_RB_NO_WAKEUP))
		count_network(SWPROF_NETWORK_SAMPLE_LOST);
}

/* Adds an answered request to its connection and its peer. */
static __always_inline void add_to_connection(struct connection *connection, struct scratch *scratch, __u64 class,
					      __u64 bucket, __u64 duration, __u64 first_byte, __u64 request_bytes,
					      __u64 response_bytes, struct ending ending)
{
	struct swprof_connection *shared = &connection->shared;

	shared->first_byte_ns += first_byte;
	shared->request_bytes += request_bytes;
	shared->response_bytes += response_bytes;
	if (!ending.is_whole) {
		shared->answered[class] += 1;
		shared->ends_missed += ending.is_missed;
		return;
	}
	shared->finished[class] += 1;
	shared->duration_ns += duration;
	if (duration > shared->duration_max_ns)
		shared->duration_max_ns = duration;
	add_peer_time(connection, scratch, bucket);
}

/* Adds an answered request to its endpoint. */
static __always_inline void add_to_endpoint(struct swprof_endpoint *endpoint, __u64 class, __u64 bucket, __u64 duration,
					    __u64 first_byte, __u64 request_bytes, __u64 response_bytes,
					    struct ending ending)
{
	if (!network.server_only) {
		__sync_fetch_and_add(&endpoint->first_byte_ns, first_byte);
		__sync_fetch_and_add(&endpoint->request_bytes, request_bytes);
		__sync_fetch_and_add(&endpoint->response_bytes, response_bytes);
	}
	if (!ending.is_whole) {
		__sync_fetch_and_add(&endpoint->answered[class], 1);
		if (ending.is_missed)
			__sync_fetch_and_add(&endpoint->ends_missed, 1);
		return;
	}
	__sync_fetch_and_add(&endpoint->finished[class], 1);
	__sync_fetch_and_add(&endpoint->duration_ns, duration);
	if (duration > endpoint->duration_max_ns)
		endpoint->duration_max_ns = duration;
	add_time(endpoint->times, bucket);
}

/* Ends the answer that is being read, and the oldest request if the answer belongs to it. */
static __always_inline void finish_answer(struct connection *connection, struct scratch *scratch, struct ending ending)
{
	struct pending_request *request;
	struct swprof_endpoint *endpoint;
	struct swprof_endpoint_key key;
	__u64 duration, first_byte, bytes;
	__u32 direction, bucket, class;
	__u16 status;

	direction = scratch->direction & 1;
	request = connection->pairing.answer == ANSWER_PAIRED ? oldest_request(connection) : NULL;
	if (!request) {
		pairing_end_answer(&connection->pairing);
		return;
	}
	status = connection->heads[direction].status;
	duration = scratch->now - request->first_ns;
	first_byte = connection->message_ns[direction] - request->first_ns;
	if ((__s64)first_byte < 0)
		first_byte = 0;
	if ((__s64)duration < 0)
		duration = 0;
	/* The request took this long at least. */
	if (!ending.is_whole)
		duration = first_byte;
	bytes = connection->positions[direction] - connection->message_start[direction];
	class = status / 100 - 1;
	if (class > 4)
		class = 4;
	bucket = ending.is_whole ? time_bucket(duration) : 0;
	fill_endpoint_key(connection, &key, request->tgid, request->method, request->path_hash);
	endpoint = endpoint_at(&key);
	if (endpoint)
		add_to_endpoint(endpoint, class, bucket, duration, first_byte, request->bytes, bytes, ending);
	if (!network.server_only)
		add_to_connection(connection, scratch, class, bucket, duration, first_byte, request->bytes, bytes,
				  ending);
	if (is_sample(status, duration))
		send_sample(connection, scratch, request, &key, endpoint, direction, status, duration, first_byte,
			    bytes, ending);
	pairing_end_answer(&connection->pairing);
}

static __always_inline bool is_final(const struct http_head *head)
{
	return head->status >= 200 || head->status == 101;
}

/* A final answer begins. */
static __always_inline void begin_answer(struct connection *connection, struct scratch *scratch)
{
	pairing_begin_answer(&connection->pairing, scratch->is_sending);
	if (connection->pairing.answer == ANSWER_ORPHAN)
		count_network(SWPROF_NETWORK_UNMATCHED);
}

/* Ends an answer whose end is not seen. Its head counts as read if its first line was read. */
__attribute__((noinline)) int break_answer(struct connection *connection, struct scratch *scratch, __u32 is_missed)
{
	struct http_head *head;

	if (!connection || !scratch)
		return 0;
	head = &connection->heads[scratch->direction & 1];
	if (head->has_line && is_final(head))
		begin_answer(connection, scratch);
	head->has_line = 0;
	if (connection->pairing.answer == ANSWER_NONE)
		return 0;
	if (is_missed)
		count_network(SWPROF_NETWORK_MESSAGE_LOST);
	finish_answer(connection, scratch, (struct ending){.is_whole = false, .is_missed = is_missed});
	return 0;
}

/* Drops the requests that wait: their answers were not seen. */
__attribute__((noinline)) int drop_requests(struct connection *connection)
{
	struct pending_request *request;
	struct swprof_endpoint_key key;

	if (!connection)
		return 0;
	for (int i = 0; i < PAIRING_WAITING_MAX; i++) {
		request = &connection->pending[pairing_oldest(&connection->pairing)];
		if (!pairing_drop(&connection->pairing))
			break;
		fill_endpoint_key(connection, &key, request->tgid, request->method, request->path_hash);
		count_unpaired(connection, &key);
	}
	return 0;
}

/* The framing of a direction is lost. */
static __always_inline void lose_framing(struct connection *connection, struct scratch *scratch, __u32 direction,
					 bool response)
{
	if (response) {
		pairing_lose_answers(&connection->pairing, scratch->is_sending);
		break_answer(connection, scratch, 1);
		drop_requests(connection);
		return;
	}
	if (connection->heads[direction].has_line || connection->is_open)
		count_network(SWPROF_NETWORK_MESSAGE_LOST);
	pairing_lose_requests(&connection->pairing);
	if (connection->heads[direction].has_line)
		add_request(connection, scratch, direction);
	connection->is_open = 0;
}

static __always_inline void begin_message(struct connection *connection, struct scratch *scratch, __u32 direction)
{
	connection->messages[direction] += 1;
	connection->message_ns[direction] = scratch->now;
	if (direction == SWPROF_RECEIVED && is_tcp(&connection->shared))
		receive_message(connection, scratch);
	connection->message_start[direction] = connection->positions[direction];
}

/* The head of a request has been read. */
static __always_inline void end_request_head(struct connection *connection, struct scratch *scratch, __u32 direction)
{
	struct parser_stream *stream = &connection->streams[direction];

	/* The answer may have come before the end of the head, which has added the request. */
	if (connection->heads[direction].has_line)
		add_request(connection, scratch, direction);
	parser_begin_body(stream, &connection->heads[direction], 0, 0);
	connection->is_open = 1;
	/* Most requests have no body. */
	if (parser_end_bodiless(stream))
		end_request(connection, direction);
}

/* The head of an answer has been read. Returns whether its end will be known. */
static __always_inline bool end_answer_head(struct connection *connection, struct scratch *scratch, __u32 direction)
{
	struct parser_stream *stream = &connection->streams[direction];
	struct http_head *head = &connection->heads[direction];
	struct pending_request *request;

	head->has_line = 0;
	connection->shared.flags |= SWPROF_CONNECTION_HTTP;
	request = oldest_request(connection);
	/* A server may refuse a request after its first line. */
	if (!request && connection->heads[!direction].has_line && is_final(head) &&
	    connection->message_ns[direction] > connection->message_ns[!direction]) {
		pairing_refuse(&connection->pairing);
		add_request(connection, scratch, !direction);
		request = oldest_request(connection);
	}
	parser_begin_body(stream, head, 1, request ? request->method : HTTP_OTHER);
	if (!is_final(head))
		return true;
	begin_answer(connection, scratch);
	/* After an upgrade, neither direction is HTTP. */
	if (parser_is_upgraded(stream))
		parser_pass_all(&connection->streams[!direction]);
	if (!pairing_doubts_body(&connection->pairing, stream))
		return true;
	parser_seek(stream);
	return false;
}

/* A preamble has ended. The connection starts over behind it. */
__attribute__((noinline)) int end_preamble(struct connection *connection, struct scratch *scratch)
{
	__u32 direction, position, size = 0;

	if (!connection || !scratch)
		return 0;
	direction = scratch->direction & 1;
	position = scratch->chunk.position;
	connection->messages[direction] = 0;
	for (__u32 i = 0; i < SWPROF_PREFIX_SIZE; i++) {
		if (position + i >= scratch->chunk.length)
			break;
		connection->shared.prefix[direction][i] =
			scratch->chunk.bytes[(position + i) & (PARSER_CHUNK_SIZE - 1)];
		size = i + 1;
	}
	connection->shared.prefix_size[direction] = size;
	connection->shared.prefix_bytes[direction] = size ? scratch->length - scratch->position - position : 0;
	connection->has_prefix[direction] = size >= SWPROF_PREFIX_SIZE;
	return 0;
}

/* Handles an event of the parser. */
__attribute__((noinline)) int handle_event(struct connection *connection, struct scratch *scratch, int event)
{
	bool response, is_lost = event == PARSER_LOST;
	__u32 direction;

	if (!connection || !scratch)
		return 0;
	direction = scratch->direction & 1;
	response = is_response(connection, direction);

	switch (event) {
	case PARSER_HEAD_START:
		begin_message(connection, scratch, direction);
		break;
	case PARSER_HEAD_END:
		if (response)
			is_lost = !end_answer_head(connection, scratch, direction);
		else
			end_request_head(connection, scratch, direction);
		break;
	case PARSER_MESSAGE_END:
		if (!response)
			end_request(connection, direction);
		else if (connection->pairing.answer != ANSWER_NONE)
			finish_answer(connection, scratch, (struct ending){.is_whole = true});
		break;
	case PARSER_PREAMBLE_END:
		end_preamble(connection, scratch);
		break;
	}
	if (is_lost)
		lose_framing(connection, scratch, direction, response);
	return 0;
}

#endif
