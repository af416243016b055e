/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP requests of connections: paired with their answers, summed up by path.
 *
 * A finished request costs counters; only one that is slow or failed is sent to user space.
 */
#ifndef SWPROF_REQUESTS_BPF_H
#define SWPROF_REQUESTS_BPF_H

#include "connections.bpf.h"

_Static_assert(HTTP_PATH_SIZE == SWPROF_PATH_SIZE, "one size");

/* How many pieces of a call's data are looked at. */
#define PIECES_MAX 24
/* How many things may happen in one piece: heads that follow each other, chunks of a body. */
#define EVENTS_MAX 48
/* How many calls that cannot begin HTTP make a connection one of another protocol. */
#define ATTEMPTS_MAX 16
#define ATTEMPTS_MAX_SEEDED 200
#define NEAR_ENDPOINT_BITS 8
/* A number that is known to lie between 1 and a power of two, in a form that the verifier knows it too. */
#define BOUNDED(number, limit) ((((number) - 1) & ((limit) - 1)) + 1)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 13); /* set before load */
	__type(key, struct swprof_endpoint_key);
	__type(value, struct swprof_endpoint);
} endpoints SEC(".maps");

/*
 * As many endpoints as there are places here are found without a call: the hash of the key says where. The others, whose
 * place is taken, are in `endpoints`, and so, once in a long while, are some requests of one that was being put here.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << NEAR_ENDPOINT_BITS);
	__type(key, __u32);
	__type(value, struct swprof_near_endpoint);
} near_endpoints SEC(".maps");

/* How long the requests of a process with each of its peers took. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 12);
	__type(key, struct swprof_peer_key);
	__type(value, struct swprof_times);
} peer_times SEC(".maps");

/* How many vectors of a call are looked at; a power of two. */
#define VECTORS_MAX 8

/* struct iovec */
struct vector {
	__u64 base;
	__u64 length;
};

/* What a look at some bytes needs; nothing of it outlasts the look. */
struct payload {
	__u32 is_taken; /* 0 or 1: of PAYLOAD_LIBRARY */
	__u32 place; /* PAYLOAD_* */
	struct http_chunk chunk;
	__u64 now;
	__u64 base; /* the position of the piece in its direction */
	__u64 address; /* of the data, where it lies in a process's memory */
	__u64 position; /* what of it was looked at */
	__u64 length;
	__u32 offset; /* of the data, where it lies in a packet */
	__u32 direction;
	__u32 wanted; /* bytes of its beginning that are to be sent */
	__u8 is_beginning; /* 0 or 1: a message begins where the piece does */
	__u8 is_recalled; /* 0 or 1: so does the head that has just ended, and it was known */
	__u8 reserved[2];
	struct vector vectors[VECTORS_MAX];
	struct swprof_request_sample sample;
	struct {
		struct swprof_payload head;
		__u8 bytes[SWPROF_PAYLOAD_MAX];
	} beginning;
};

enum {
	PAYLOAD_CALL = 0, /* of tracepoints, which run to their end before another program does on that CPU */
	PAYLOAD_LIBRARY = 1, /* of probes in processes, which other tasks may come between */
	PAYLOAD_END = 2, /* of the end of a connection, which interrupts the others */
	PAYLOAD_MAX = 3,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PAYLOAD_MAX);
	__type(key, __u32);
	__type(value, struct payload);
} payloads SEC(".maps");

static __always_inline struct payload *payload_at(__u32 place)
{
	struct payload *payload = bpf_map_lookup_elem(&payloads, &place);

	if (payload)
		payload->place = place;
	return payload;
}

/* New entries of tables are put together here: before 6.2, only memory of maps can be copied into maps. */
struct entries {
	struct swprof_endpoint endpoint;
	struct swprof_times times;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PAYLOAD_MAX);
	__type(key, __u32);
	__type(value, struct entries);
} new_entries SEC(".maps");

static __always_inline struct entries *entries_of(struct payload *payload)
{
	__u32 place = payload->place;

	return bpf_map_lookup_elem(&new_entries, &place);
}

static __always_inline struct payload *current_payload(void)
{
	return payload_at(PAYLOAD_CALL);
}

/* How many heads are remembered at each place of payloads; a power of two. */
#define KNOWN_HEADS 32

/*
 * A head that was read before, whole and from one piece. Clients repeat their requests, and servers their answers, to the
 * byte, on one connection and on others; what equal bytes say is equal too.
 */
struct known_head {
	__u32 length; /* 0: none */
	__u32 is_response;
	/* Of a request: whose endpoint there is one of, and since which edition of the endpoints. */
	__u32 tgid;
	__u32 edition;
	struct http_head head;
	__u64 words[HTTP_CHUNK_SIZE / 8 + 1]; /* the piece */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PAYLOAD_MAX * KNOWN_HEADS);
	__type(key, __u32);
	__type(value, struct known_head);
} known_heads SEC(".maps");

typedef __u64 __attribute__((may_alias)) any_word;

/* The place where a head like the one that the piece may begin with is remembered. */
static __always_inline struct known_head *known_head_of(struct payload *payload, __u32 response)
{
	const any_word *words = (const any_word *)payload->chunk.bytes;
	__u64 hash = (words[0] ^ payload->chunk.length) * 0x9e3779b97f4a7c15ULL;
	__u32 index;

	/* Answers differ most in their last lines, requests in their first. */
	hash = (hash ^ words[1] ^ response) * 0x9e3779b97f4a7c15ULL;
	hash = (hash ^ words[2]) * 0x9e3779b97f4a7c15ULL;
	index = (hash >> 59 & (KNOWN_HEADS - 1)) + payload->place * KNOWN_HEADS;
	return bpf_map_lookup_elem(&known_heads, &index);
}

/* The bucket of a length of time. */
__attribute__((noinline)) __u32 time_bucket(__u64 ns)
{
	/* A multiplication is enough for 32 bits; a division takes the CPU ten times as long. */
	__u64 us = ns >> 32 ? ns / 1000 : ns * 274877907 >> 38;
	__u32 exponent = 0, word = us > 0xffffffff ? 0xffffffff : us, bucket;

	if (word < 8)
		return word;
	exponent += (word >> 16 ? 16 : 0);
	exponent += (word >> (exponent & 31) >> 8 ? 8 : 0);
	exponent += (word >> (exponent & 31) >> 4 ? 4 : 0);
	exponent += (word >> (exponent & 31) >> 2 ? 2 : 0);
	exponent += (word >> (exponent & 31) >> 1 ? 1 : 0);
	bucket = (exponent - 2) * 8 + (word >> ((exponent - 3) & 31) & 7);
	return bucket < SWPROF_TIME_BUCKETS ? bucket : SWPROF_TIME_BUCKETS - 1;
}

/* Counts a length of time. The bound is checked where it is used: what lies on the stack in between has none. */
static __always_inline bool add_time(__u32 *counts, __u32 bucket)
{
	HTTP_FORGET(bucket);
	if (bucket >= SWPROF_TIME_BUCKETS)
		return false;
	__sync_fetch_and_add(&counts[bucket], 1);
	return true;
}

static __always_inline bool is_http_server(struct connection *connection)
{
	return connection->shared.flags & SWPROF_CONNECTION_HTTP_SERVER;
}

static __always_inline bool is_response(struct connection *connection, __u32 direction)
{
	return is_http_server(connection) == (direction == SWPROF_SENT);
}

static __always_inline void fill_endpoint_key(struct connection *connection, struct swprof_endpoint_key *key,
					      __u8 method, __u64 path_hash)
{
	key->tgid = connection->shared.tgid;
	key->is_server = is_http_server(connection);
	key->is_tls = !!(connection->shared.flags & SWPROF_CONNECTION_TLS);
	key->method = method;
	key->reserved = 0;
	key->path_hash = path_hash;
}

/* The path of a request whose head has just been read or recalled. */
static __always_inline void fill_path(struct payload *payload, struct http_head *head, char *path)
{
	struct known_head *known = payload->is_recalled ? known_head_of(payload, 0) : NULL;

	__builtin_memcpy(path, known ? known->head.path : head->path, SWPROF_PATH_SIZE);
}

/* Keys as words: what a request was for, and the hash of its path. */
struct endpoint_words {
	any_word subject;
	any_word path_hash;
};

#define WORDS_OF(key) ((struct endpoint_words *)(key))
/* The subject of a place that is being filled; no process has that number. */
#define ENDPOINT_FILLING (~0ULL)

static __always_inline struct swprof_near_endpoint *near_endpoint_place(struct swprof_endpoint_key *key)
{
	__u64 hash = (WORDS_OF(key)->path_hash ^ WORDS_OF(key)->subject) * 0x9e3779b97f4a7c15ULL;
	__u32 index = hash >> (64 - NEAR_ENDPOINT_BITS);

	return bpf_map_lookup_elem(&near_endpoints, &index);
}

static __always_inline struct swprof_endpoint *endpoint_at(struct swprof_endpoint_key *key)
{
	struct swprof_near_endpoint *near = near_endpoint_place(key);

	if (near && WORDS_OF(&near->key)->subject == WORDS_OF(key)->subject &&
	    WORDS_OF(&near->key)->path_hash == WORDS_OF(key)->path_hash)
		return &near->endpoint;
	return bpf_map_lookup_elem(&endpoints, key);
}

static __always_inline void describe_endpoint(struct swprof_endpoint *endpoint, struct connection *connection,
					      struct payload *payload, struct http_head *head)
{
	__builtin_memcpy(endpoint->comm, connection->shared.comm, sizeof(endpoint->comm));
	if (head) {
		endpoint->path_size = head->path_length;
		fill_path(payload, head, endpoint->path);
	}
}

static __always_inline struct swprof_endpoint *endpoint_of(struct connection *connection, struct payload *payload,
							   struct swprof_endpoint_key *key, struct http_head *head)
{
	struct swprof_endpoint *found = endpoint_at(key), *new;
	struct swprof_near_endpoint *near;
	struct entries *entries;

	if (found)
		return found;
	near = near_endpoint_place(key);
	/* A free place is all zero. */
	if (near && !__sync_val_compare_and_swap(&WORDS_OF(&near->key)->subject, 0, ENDPOINT_FILLING)) {
		WORDS_OF(&near->key)->path_hash = WORDS_OF(key)->path_hash;
		describe_endpoint(&near->endpoint, connection, payload, head);
		__sync_lock_test_and_set(&WORDS_OF(&near->key)->subject, WORDS_OF(key)->subject);
		return &near->endpoint;
	}
	entries = entries_of(payload);
	if (!entries)
		return NULL;
	new = &entries->endpoint;
	clear(new, sizeof(*new));
	describe_endpoint(new, connection, payload, head);
	bpf_map_update_elem(&endpoints, key, new, BPF_NOEXIST);
	return bpf_map_lookup_elem(&endpoints, key);
}

/* Where only answers are counted, user space notes here that it has removed endpoints. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} endpoint_edition SEC(".maps");

static __always_inline __u32 current_edition(void)
{
	__u32 zero = 0, *edition = bpf_map_lookup_elem(&endpoint_edition, &zero);

	return edition ? *edition : 0;
}

/* Whether nothing is to be done about the endpoint of a request: only answers are counted, and it is known to be there. */
static __always_inline bool has_endpoint(struct connection *connection, struct payload *payload)
{
	struct known_head *known;

	if (!network.server_only || !payload->is_recalled)
		return false;
	known = known_head_of(payload, 0);
	return known && known->tgid == connection->shared.tgid && known->edition == current_edition();
}

static __always_inline void note_endpoint(struct connection *connection, struct payload *payload)
{
	struct known_head *known;

	if (!network.server_only || !payload->is_recalled)
		return;
	known = known_head_of(payload, 0);
	if (!known)
		return;
	known->tgid = connection->shared.tgid;
	known->edition = current_edition();
}

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
	struct entries *entries;

	key.tgid = connection->shared.tgid;
	key.is_server = is_http_server(connection);
	key.peer = connection->shared.peer;
	times = bpf_map_lookup_elem(&peer_times, &key);
	if (!times) {
		entries = entries_of(payload);
		if (!entries)
			return;
		clear(&entries->times, sizeof(entries->times));
		bpf_map_update_elem(&peer_times, &key, &entries->times, BPF_NOEXIST);
		times = bpf_map_lookup_elem(&peer_times, &key);
	}
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
