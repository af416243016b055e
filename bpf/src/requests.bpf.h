/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP requests of connections: paired with their answers, summed up by path.
 *
 * A finished request costs counters; only one that is slow or failed is sent to user space.
 */
#ifndef SWPROF_REQUESTS_BPF_H
#define SWPROF_REQUESTS_BPF_H

#include "arrival.bpf.h"

/* A request whose head has been read waits for its answer. */
static __always_inline void begin_request(struct connection *connection, struct payload *payload)
{
	struct swprof_endpoint_key key;
	struct swprof_endpoint *endpoint;
	struct pending_request *request;
	struct http_head *head;
	__u32 direction;

	direction = payload->direction & 1;
	head = &connection->heads[direction];
	fill_endpoint_key(connection, &key, head->method, head->path_hash);
	if (!has_endpoint(connection, payload)) {
		endpoint = endpoint_of(connection, payload, &key, head);
		if (endpoint) {
			note_endpoint(connection, payload);
		} else {
			count_network(SWPROF_NETWORK_ENDPOINT_TABLE_FULL);
			key.path_hash = 0;
			key.method = 0;
			endpoint = endpoint_of(connection, payload, &key, NULL);
		}
		if (endpoint)
			__sync_fetch_and_add(&endpoint->requests, 1);
	}
	if (!network.server_only)
		connection->shared.requests += 1;
	if (connection->answered) {
		connection->answered -= 1;
		return;
	}
	if (connection->pushed - connection->popped >= SWPROF_PENDING_REQUESTS) {
		count_network(SWPROF_NETWORK_PIPELINE_OVERFLOW);
		return;
	}
	request = &connection->pending[connection->pushed & (SWPROF_PENDING_REQUESTS - 1)];
	request->first_ns = connection->message_ns[direction];
	request->path_hash = key.path_hash;
	request->method = key.path_hash ? head->method : 0;
	/* The body is read after this. */
	request->bytes = 0;
	request->number = connection->messages[direction];
	connection->pushed += 1;
}

/* The newest request, which is the one that was read, is whole. */
static __always_inline void end_request(struct connection *connection, __u32 direction)
{
	struct pending_request *request;

	if (connection->pushed == connection->popped)
		return;
	request = &connection->pending[(connection->pushed - 1) & (SWPROF_PENDING_REQUESTS - 1)];
	request->bytes = connection->positions[direction] - connection->message_start[direction];
}

static __always_inline struct pending_request *oldest_request(struct connection *connection)
{
	if (connection->pushed == connection->popped)
		return NULL;
	return &connection->pending[connection->popped & (SWPROF_PENDING_REQUESTS - 1)];
}

static __always_inline void add_peer_time(struct connection *connection, struct payload *payload, __u32 bucket)
{
	struct swprof_peer_key key = {};
	struct swprof_times *times;

	key.tgid = connection->shared.tgid;
	key.is_server = is_http_server(connection);
	key.peer = connection->shared.peer;
	times = near_times_of(&key);
	if (!times)
		times = times_in(&peer_times, &key, payload);
	if (!times || !add_time(times->counts, bucket))
		count_network(SWPROF_NETWORK_PEER_TABLE_FULL);
}

static __always_inline bool is_sample(__u16 status, __u64 duration)
{
	return network.keeps_samples && (status >= 400 || duration >= network.slow_ns);
}

static __always_inline void send_sample(struct connection *connection, struct payload *payload,
					struct pending_request *request, struct swprof_endpoint_key *key,
					struct swprof_endpoint *endpoint, __u32 direction, __u16 status, __u64 duration,
					__u64 first_byte, __u64 bytes)
{
	struct swprof_request_sample *sample = &payload->sample;

	sample->record = SWPROF_RECORD_SAMPLE;
	sample->tgid = connection->shared.tgid;
	sample->socket = connection->shared.socket;
	sample->inode = connection->shared.inode;
	sample->endpoint = *key;
	sample->started_ns = request->first_ns;
	sample->duration_ns = duration;
	sample->first_byte_ns = first_byte;
	sample->request_bytes = request->bytes;
	sample->response_bytes = bytes;
	sample->request_number = request->number;
	sample->response_number = connection->messages[direction];
	sample->status = status;
	sample->remote_port = connection->shared.remote_port;
	sample->family = connection->shared.family;
	sample->reserved = 0;
	__builtin_memcpy(sample->remote, connection->shared.remote, sizeof(sample->remote));
	__builtin_memcpy(sample->comm, connection->shared.comm, sizeof(sample->comm));
	if (endpoint)
		__builtin_memcpy(sample->path, endpoint->path, sizeof(sample->path));
	else
		__builtin_memset(sample->path, 0, sizeof(sample->path));
	if (bpf_ringbuf_output(&network_records, sample, sizeof(*sample), BPF_RB_NO_WAKEUP))
		count_network(SWPROF_NETWORK_SAMPLE_LOST);
}

/* Sums a finished request up by its connection and its peer. */
static __always_inline void add_to_connection(struct connection *connection, struct payload *payload, __u64 class,
					      __u64 bucket, __u64 duration, __u64 first_byte, __u64 request_bytes,
					      __u64 response_bytes)
{
	struct swprof_connection *shared = &connection->shared;

	shared->finished[class] += 1;
	shared->duration_ns += duration;
	if (duration > shared->duration_max_ns)
		shared->duration_max_ns = duration;
	shared->first_byte_ns += first_byte;
	shared->request_bytes += request_bytes;
	shared->response_bytes += response_bytes;
	add_peer_time(connection, payload, bucket);
}

/* An answer is whole: with it ends the oldest request. */
static __always_inline void finish_request(struct connection *connection, struct payload *payload)
{
	struct pending_request *request;
	struct swprof_endpoint *endpoint;
	struct swprof_endpoint_key key;
	__u64 duration, first_byte, bytes;
	__u32 direction, bucket, class;
	__u16 status;

	direction = payload->direction & 1;
	status = connection->heads[direction].status;
	if (status < 200 && status != 101)
		return;
	request = oldest_request(connection);
	if (!request) {
		count_network(SWPROF_NETWORK_UNMATCHED);
		/* The request shows when the call that sends it ends, too late to tell how long this took. */
		if (payload->is_sending)
			connection->answered += 1;
		return;
	}
	duration = payload->now - request->first_ns;
	first_byte = connection->message_ns[direction] - request->first_ns;
	if ((__s64)first_byte < 0)
		first_byte = 0;
	if ((__s64)duration < 0)
		duration = 0;
	bytes = connection->positions[direction] - connection->message_start[direction];
	class = status / 100 - 1;
	if (class > 4)
		class = 4;
	bucket = time_bucket(duration);
	fill_endpoint_key(connection, &key, request->method, request->path_hash);
	endpoint = endpoint_at(&key);
	if (endpoint) {
		__sync_fetch_and_add(&endpoint->finished[class], 1);
		__sync_fetch_and_add(&endpoint->duration_ns, duration);
		if (!network.server_only) {
			__sync_fetch_and_add(&endpoint->first_byte_ns, first_byte);
			__sync_fetch_and_add(&endpoint->request_bytes, request->bytes);
			__sync_fetch_and_add(&endpoint->response_bytes, bytes);
		}
		if (duration > endpoint->duration_max_ns)
			endpoint->duration_max_ns = duration;
		add_time(endpoint->times, bucket);
	}
	if (!network.server_only)
		add_to_connection(connection, payload, class, bucket, duration, first_byte, request->bytes, bytes);
	if (is_sample(status, duration))
		send_sample(connection, payload, request, &key, endpoint, direction, status, duration, first_byte,
			    bytes);
	connection->popped += 1;
}

#define BOUND_WORD(index) ((index) & (HTTP_CHUNK_SIZE / 8 - 1))

/* The length of the head that the piece begins with, where that was read before: it is then as if read now; or 0. */
static __always_inline __u32 recall_head(struct http_stream *stream, struct payload *payload, struct http_head *head,
					 __u32 response)
{
	const any_word *words;
	struct known_head *known;
	__u32 length, whole, index, rest;

	known = known_head_of(payload, response);
	if (!known)
		return 0;
	length = known->length;
	if (!length || length > payload->chunk.length || known->is_response != response)
		return 0;
	words = (const any_word *)payload->chunk.bytes;
	/* Words, four at a time, those that are left, and the last bytes. */
	whole = length / 8;
	for (__u32 i = 0; i < HTTP_CHUNK_SIZE / 8; i += 4) {
		if (i + 4 > whole)
			break;
		if ((known->words[i] ^ words[i]) | (known->words[i + 1] ^ words[i + 1]) |
		    (known->words[i + 2] ^ words[i + 2]) | (known->words[i + 3] ^ words[i + 3]))
			return 0;
	}
	for (__u32 i = 0; i < 3; i++) {
		if (i >= whole % 4)
			break;
		index = BOUND_WORD(whole - 1 - i);
		if (known->words[index] != words[index])
			return 0;
	}
	rest = length % 8;
	index = BOUND_WORD(whole);
	if (rest && (known->words[index] ^ words[index]) << (64 - 8 * rest))
		return 0;
	__builtin_memset(stream, 0, sizeof(*stream));
	/* The path stays there, as few need it. */
	__builtin_memcpy(head, &known->head, offsetof(struct http_head, path));
	return length;
}

/* Remembers a head that has been read from the beginning of the piece. */
__attribute__((noinline)) int remember_head(struct payload *payload, const struct http_head *head, __u32 response)
{
	const any_word *words;
	struct known_head *known;

	if (!payload || !head)
		return 0;
	known = known_head_of(payload, response);
	if (!known)
		return 0;
	words = (const any_word *)payload->chunk.bytes;
	known->length = payload->chunk.position;
	known->is_response = response;
	known->tgid = 0;
	__builtin_memcpy(&known->head, head, sizeof(*head));
	for (__u32 i = 0; i < HTTP_CHUNK_SIZE / 8; i++)
		known->words[i] = words[i];
	return 0;
}

__attribute__((noinline)) int step_http(struct http_stream *stream, struct http_chunk *chunk, struct http_head *head,
					__u32 response)
{
	if (!stream || !chunk || !head)
		return HTTP_LOST;
	return http_step(stream, chunk, head, response);
}

static __always_inline void begin_message(struct connection *connection, struct payload *payload, __u32 direction)
{
	connection->messages[direction] += 1;
	connection->message_ns[direction] = payload->now;
	if (direction == SWPROF_RECEIVED && is_tcp(&connection->shared))
		receive_message(connection, payload);
	connection->message_start[direction] = connection->positions[direction];
}

/* What has happened in a stream. */
__attribute__((noinline)) int handle_event(struct connection *connection, struct payload *payload, int event)
{
	struct pending_request *request;
	__u32 direction;
	bool response;

	if (!connection || !payload)
		return 0;
	direction = payload->direction & 1;
	response = is_response(connection, direction);

	switch (event) {
	case HTTP_HEAD_START:
		begin_message(connection, payload, direction);
		break;
	case HTTP_HEAD_END:
		connection->shared.flags |= SWPROF_CONNECTION_HTTP;
		if (!response) {
			begin_request(connection, payload);
			http_begin_body(&connection->streams[direction], &connection->heads[direction], 0, 0);
			/* Most requests are over then. */
			if (connection->streams[direction].state == HTTP_DONE) {
				connection->streams[direction].state = HTTP_START;
				end_request(connection, direction);
			}
			break;
		}
		request = oldest_request(connection);
		http_begin_body(&connection->streams[direction], &connection->heads[direction], 1,
				request ? request->method : HTTP_OTHER);
		/* Neither direction is HTTP behind an upgrade. */
		if (connection->streams[direction].state == HTTP_DONE_OPAQUE)
			http_pass_all(&connection->streams[!direction]);
		break;
	case HTTP_MESSAGE_END:
		if (response) {
			finish_request(connection, payload);
			break;
		}
		end_request(connection, direction);
		break;
	case HTTP_LOST:
		count_network(SWPROF_NETWORK_MESSAGE_LOST);
		break;
	}
	return 0;
}

#endif
