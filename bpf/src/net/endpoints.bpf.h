/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tables that requests are summed up in: by endpoint, and the times of each peer. */
#ifndef SWPROF_NET_ENDPOINTS_BPF_H
#define SWPROF_NET_ENDPOINTS_BPF_H

#include "connections.bpf.h"
#include "flow.bpf.h"
#include "known_heads.bpf.h"
#include "scratch.bpf.h"
#include "target_bits.bpf.h"

_Static_assert(HTTP_PATH_SIZE == SWPROF_PATH_SIZE, "one size");

#define NEAR_ENDPOINT_BITS 8
#define NEAR_PEER_BITS 6

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 13); /* set before load */
	__type(key, struct swprof_endpoint_key);
	__type(value, struct swprof_endpoint);
} endpoints SEC(".maps");

/*
 * A cache of endpoints, found without a call by the hash of the key. An endpoint whose entry is taken is in `endpoints`
 * instead. Requests that come while an entry is filled are counted there too.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << NEAR_ENDPOINT_BITS);
	__type(key, __u32);
	__type(value, struct swprof_near_endpoint);
} near_endpoints SEC(".maps");

/* The durations of the requests of a process, by peer. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 12);
	__type(key, struct swprof_peer_key);
	__type(value, struct swprof_times);
} peer_times SEC(".maps");

/* A cache of them, as with endpoints. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << NEAR_PEER_BITS);
	__type(key, __u32);
	__type(value, struct swprof_near_peer);
} near_peers SEC(".maps");

/* The bucket of a duration. */
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

/* Counts a duration. The bound is checked right before its use: the verifier forgets bounds of what is on the stack. */
static __always_inline bool add_time(__u32 *counts, __u32 bucket)
{
	FORGET(bucket);
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
					      __u32 tgid, __u8 method, __u64 path_hash)
{
	key->tgid = tgid;
	key->is_server = is_http_server(connection);
	key->is_tls = !!(connection->shared.flags & SWPROF_CONNECTION_TLS);
	key->method = method;
	key->reserved = 0;
	key->path_hash = path_hash;
}

/* The path of a request whose head has just been read or recalled. */
static __always_inline void fill_path(struct scratch *scratch, struct http_head *head, char *path)
{
	struct known_head *known = scratch->is_recalled ? known_head_of(scratch, 0) : NULL;

	__builtin_memcpy(path, known ? known->head.path : head->path, SWPROF_PATH_SIZE);
}

/* Keys of cached entries as words: the process, which is never zero, and the path or the peer. */
struct key_words {
	any_word subject;
	any_word object;
};

#define WORDS_OF(key) ((struct key_words *)(key))
/* The first word of an entry that is being filled; no process has that number. */
#define PLACE_FILLING (~0ULL)

static __always_inline struct swprof_near_endpoint *near_endpoint_place(struct swprof_endpoint_key *key)
{
	__u64 hash = (WORDS_OF(key)->object ^ WORDS_OF(key)->subject) * 0x9e3779b97f4a7c15ULL;
	__u32 index = hash >> (64 - NEAR_ENDPOINT_BITS);

	return bpf_map_lookup_elem(&near_endpoints, &index);
}

static __always_inline struct swprof_endpoint *endpoint_at(struct swprof_endpoint_key *key)
{
	struct swprof_near_endpoint *near = near_endpoint_place(key);

	if (near && WORDS_OF(&near->key)->subject == WORDS_OF(key)->subject &&
	    WORDS_OF(&near->key)->object == WORDS_OF(key)->object)
		return &near->endpoint;
	return bpf_map_lookup_elem(&endpoints, key);
}

static __always_inline void describe_endpoint(struct swprof_endpoint *endpoint, struct swprof_endpoint_key *key,
					      struct connection *connection, struct scratch *scratch,
					      struct http_head *head)
{
	if (key->tgid == connection->shared.tgid)
		__builtin_memcpy(endpoint->comm, connection->shared.comm, sizeof(endpoint->comm));
	else
		read_comm(endpoint->comm, (struct task_struct *)bpf_get_current_task());
	if (head) {
		endpoint->path_size = head->path_length;
		fill_path(scratch, head, endpoint->path);
	}
}

static __always_inline struct swprof_endpoint *endpoint_of(struct connection *connection, struct scratch *scratch,
							   struct swprof_endpoint_key *key, struct http_head *head)
{
	struct swprof_endpoint *found = endpoint_at(key), *new;
	struct swprof_near_endpoint *near;
	struct entries *entries;

	if (found)
		return found;
	near = near_endpoint_place(key);
	/* A free entry is all zero. */
	if (near && !__sync_val_compare_and_swap(&WORDS_OF(&near->key)->subject, 0, PLACE_FILLING)) {
		WORDS_OF(&near->key)->object = WORDS_OF(key)->object;
		describe_endpoint(&near->endpoint, key, connection, scratch, head);
		__sync_lock_test_and_set(&WORDS_OF(&near->key)->subject, WORDS_OF(key)->subject);
		return &near->endpoint;
	}
	entries = entries_of(scratch);
	if (!entries)
		return NULL;
	new = &entries->endpoint;
	clear(new, sizeof(*new));
	describe_endpoint(new, key, connection, scratch, head);
	bpf_map_update_elem(&endpoints, key, new, BPF_NOEXIST);
	return bpf_map_lookup_elem(&endpoints, key);
}

/* The durations of a peer in the cache; NULL: another peer has its entry. */
static __always_inline struct swprof_times *near_times_of(struct swprof_peer_key *key)
{
	__u64 hash = (WORDS_OF(key)->object ^ WORDS_OF(key)->subject) * 0x9e3779b97f4a7c15ULL;
	__u32 index = hash >> (64 - NEAR_PEER_BITS);
	struct swprof_near_peer *near = bpf_map_lookup_elem(&near_peers, &index);

	if (!near)
		return NULL;
	if (WORDS_OF(&near->key)->subject == WORDS_OF(key)->subject)
		return WORDS_OF(&near->key)->object == WORDS_OF(key)->object ? &near->times : NULL;
	if (__sync_val_compare_and_swap(&WORDS_OF(&near->key)->subject, 0, PLACE_FILLING))
		return NULL;
	WORDS_OF(&near->key)->object = WORDS_OF(key)->object;
	__sync_lock_test_and_set(&WORDS_OF(&near->key)->subject, WORDS_OF(key)->subject);
	return &near->times;
}

/* The durations under a key of a map, added if there are none; NULL: the map is full. */
static __always_inline struct swprof_times *times_in(void *map, const void *key, struct scratch *scratch)
{
	struct swprof_times *times = bpf_map_lookup_elem(map, key);
	struct entries *entries;

	if (times)
		return times;
	entries = entries_of(scratch);
	if (!entries)
		return NULL;
	clear(&entries->times, sizeof(entries->times));
	bpf_map_update_elem(map, key, &entries->times, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

/* The generation of the endpoints. A monitor increments it when it has removed some. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} endpoint_generation SEC(".maps");

static __always_inline __u32 current_generation(void)
{
	__u32 zero = 0, *generation = bpf_map_lookup_elem(&endpoint_generation, &zero);

	return generation ? *generation : 0;
}

/* Whether a monitor has the endpoint of a request already, by the cache of heads: it counts answers only. */
static __always_inline bool has_endpoint(struct scratch *scratch, __u32 tgid)
{
	struct known_head *known;

	if (!network.server_only || !scratch->is_recalled)
		return false;
	known = known_head_of(scratch, 0);
	return known && known->tgid == tgid && known->generation == current_generation();
}

static __always_inline void note_endpoint(struct scratch *scratch, __u32 tgid)
{
	struct known_head *known;

	if (!network.server_only || !scratch->is_recalled)
		return;
	known = known_head_of(scratch, 0);
	if (!known)
		return;
	known->tgid = tgid;
	known->generation = current_generation();
}

#endif
