/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connection tracking: finds a connection by its struct sock, begins and ends it.
 *
 * The key of a connection is the address of its struct sock, which every hook has. The kernel reuses addresses: TCP has
 * a tracepoint for the end of a socket, and the inode tells other sockets apart. Hooks that run in an interrupt never
 * attribute anything to the current task.
 */
#ifndef SWPROF_NET_CONNECTIONS_BPF_H
#define SWPROF_NET_CONNECTIONS_BPF_H

#include "flow.bpf.h"
#include "pairing.h"
#include "proto/parser.h"
#include "target_bits.bpf.h"

#define FILLING_MAX 256 /* reads of a cache entry that another CPU fills */

/* A request without an answer. */
struct pending_request {
	__u64 first_ns;
	__u64 path_hash;
	__u64 bytes;
	__u32 number;
	__u32 tgid; /* of the process that handles it */
	__u8 method; /* enum http_method */
	__u8 reserved[7];
};

struct connection {
	struct swprof_connection shared;
	/* Needed for the data of each call, and so close together. */
	__u8 protocol; /* enum protocol */
	__u8 attempts; /* calls that no protocol could begin with */
	__u8 has_sequence[2]; /* 0 or 1 */
	__u8 has_prefix[2]; /* 0 or 1: it is whole */
	__u8 is_open; /* 0 or 1: the body of a request is being read */
	__u8 reserved;
	__u32 sequence[2]; /* TCP's sequence number of the next byte to read */
	__u32 messages[2];
	struct pairing pairing;
	__u32 owner; /* the kernel's number of the process `shared.tgid` */
	struct parser_stream streams[2];
	__u64 positions[2]; /* bytes of each direction that were read or skipped */
	__u64 message_ns[2]; /* the first byte of the message that is being read */
	__u64 message_start[2]; /* its position */
	__u64 last_ns[2];
	__u64 missed[2]; /* bytes that were not read, as another task had the scratch buffer */
	struct pending_request pending[PAIRING_WAITING_MAX];
	struct http_head heads[2];
	__u64 hold_ns; /* when TCP was given the end of a message that it holds back; 0: it holds back none */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16); /* set before load */
	__type(key, __u64); /* the address of a struct sock */
	__type(value, struct connection);
} connections SEC(".maps");

/*
 * A cache of connections, found without a call: the address of the struct sock is hashed to an entry. A connection
 * whose entry is taken is in `connections` instead. `shared.socket` is 0 in a free entry, and inverted while one is
 * filled.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before load */
	__type(key, __u32);
	__type(value, struct connection);
} near_connections SEC(".maps");

/* A connection under construction. The verifier takes pointers in a map for numbers. */
struct new_connection {
	__u64 socket;
	__u64 task;
	struct connection connection;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct new_connection);
} new_connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 23); /* set before load */
} network_records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SWPROF_NETWORK_COUNTER_MAX);
	__type(key, __u32); /* enum swprof_network_counter */
	__type(value, __u64);
} network_counters SEC(".maps");

/* The optional programs that targets need, and those that are attached. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32); /* SWPROF_NEEDS_* */
	__type(value, __u32); /* SWPROF_NEED_* */
} needs SEC(".maps");

/* Asks user space at once to attach optional programs. */
__attribute__((noinline)) int need(__u32 programs)
{
	struct swprof_need record = {.record = SWPROF_RECORD_NEED};
	__u32 key = SWPROF_NEEDS_ASKED, *known = bpf_map_lookup_elem(&needs, &key);

	if (!known || (*known & programs) == programs)
		return 0;
	__sync_fetch_and_or(known, programs);
	bpf_ringbuf_output(&network_records, &record, sizeof(record), BPF_RB_FORCE_WAKEUP);
	return 0;
}

static __always_inline bool is_met(__u32 need)
{
	__u32 key = SWPROF_NEEDS_MET, *met = bpf_map_lookup_elem(&needs, &key);

	return met && *met & need;
}

static __always_inline void count_network(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&network_counters, &counter);

	if (value)
		*value += 1;
}

/* Sets memory to zero that is too large for the compiler's memset. */
static __always_inline void clear(void *memory, __u32 size)
{
	for (__u32 i = 0; i < size / sizeof(__u64); i++)
		((volatile __u64 *)memory)[i] = 0;
}

/* Copies memory that is too large for the compiler's memcpy. */
static __always_inline void copy_words(void *to, const void *from, __u32 size)
{
	for (__u32 i = 0; i < size / sizeof(__u64); i++)
		((volatile __u64 *)to)[i] = ((const volatile __u64 *)from)[i];
}

static __always_inline struct connection *near_place(__u64 address)
{
	__u32 index;

	if (!network.near_bits)
		return NULL;
	index = low_half(address) * 0x9e3779b1U >> (32 - network.near_bits);
	return bpf_map_lookup_elem(&near_connections, &index);
}

/* All that was sent before TCP's sequence number `next` has been read. */
static __always_inline void note_sent(struct connection *connection, __u32 next)
{
	connection->sequence[SWPROF_SENT] = next;
	connection->has_sequence[SWPROF_SENT] = 1;
}

enum placing {
	PLACED = 0,
	PLACED_BY_ANOTHER = 1,
	NOT_PLACED = 2,
};

/* Puts a new connection into its entry of the cache, if that is free. */
static __always_inline enum placing place_near(struct connection *new, __u64 address)
{
	struct connection *near = near_place(address);
	volatile __u64 *socket;

	if (!near)
		return NOT_PLACED;
	socket = &near->shared.socket;
	for (int i = 0; i < FILLING_MAX; i++) {
		if (*socket != ~address)
			break;
	}
	if (*socket == address)
		return PLACED_BY_ANOTHER;
	if (__sync_val_compare_and_swap(&near->shared.socket, 0, ~address))
		return NOT_PLACED;
	new->shared.socket = ~address;
	copy_words(near, new, sizeof(*near));
	__sync_lock_test_and_set(&near->shared.socket, address);
	return PLACED;
}

/* Whether connections of a socket's kind are tracked. Adds SWPROF_CONNECTION_TCP to `flags` for TCP. */
static __always_inline bool is_looked_at(struct sock *sk, struct swprof_connection *shared, __u32 *flags)
{
	__u16 protocol;

	if (shared->family == AF_UNIX)
		return true;
	if (shared->type != SOCK_STREAM)
		return shared->type == SOCK_DGRAM;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	if (protocol == IPPROTO_TCP)
		*flags |= SWPROF_CONNECTION_TCP;
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
}

/* Tracks the connection of the socket and the task in `new_connections`. Returns whether it is tracked now. */
__attribute__((noinline)) int make_connection(__u32 flags)
{
	struct swprof_connection *shared;
	struct new_connection *made;
	struct task_struct *task;
	struct connection *new;
	enum placing placing;
	__u32 zero = 0;
	struct sock *sk;
	__u64 address;
	__u16 family;
	long error;

	made = bpf_map_lookup_elem(&new_connections, &zero);
	if (!made)
		return 0;
	address = made->socket;
	sk = (struct sock *)address;
	task = (struct task_struct *)made->task;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_UNIX && !is_ip(family))
		return 0;
	new = &made->connection;
	clear(new, sizeof(*new));
	shared = &new->shared;
	shared->record = SWPROF_RECORD_CONNECTION;
	shared->socket = address;
	shared->family = family;
	shared->type = BPF_CORE_READ(sk, sk_type);
	if (!is_looked_at(sk, shared, &flags))
		return 0;
	shared->inode = socket_inode(sk);
	shared->first_ns = bpf_ktime_get_ns();
	shared->flags = flags;
	shared->fd = -1;
	shared->tgid = tgid_in_namespace(task);
	new->owner = BPF_CORE_READ(task, tgid);
	read_comm(shared->comm, task);
	if (family == AF_UNIX)
		describe_unix(sk, shared);
	else
		describe_ip(sk, shared);
	/* Skip our own control socket: it holds the `-- COMMAND` child until the probes are armed. */
	if (family == AF_UNIX && shared->peer_tgid == network.self)
		return 0;
	if (!(flags & SWPROF_CONNECTION_SEEDED))
		__builtin_memset(&shared->tcp_before, 0, sizeof(shared->tcp_before));
	else if (is_tcp(shared))
		note_sent(new, BPF_CORE_READ((struct tcp_sock *)sk, write_seq));
	note_peer(shared);
	placing = place_near(new, address);
	if (placing == PLACED_BY_ANOTHER)
		return 1;
	error = placing == PLACED ? 0 : bpf_map_update_elem(&connections, &address, new, BPF_NOEXIST);
	if (!error)
		count_network(SWPROF_NETWORK_CONNECTIONS);
	else if (error != -EEXIST)
		count_network(SWPROF_NETWORK_CONNECTION_TABLE_FULL);
	return !error || error == -EEXIST;
}

static __always_inline bool create_connection(struct sock *sk, struct task_struct *owner, __u32 flags)
{
	__u32 zero = 0;
	struct new_connection *made = bpf_map_lookup_elem(&new_connections, &zero);

	if (!made)
		return false;
	made->socket = (__u64)sk;
	made->task = (__u64)owner;
	return make_connection(flags);
}

static __always_inline struct connection *connection_at(__u64 address)
{
	struct connection *near = near_place(address);

	if (near && near->shared.socket == address)
		return near;
	return bpf_map_lookup_elem(&connections, &address);
}

/* Sends a connection to user space. A monitor counts requests only, and wants no connections. */
static __always_inline void send_connection(struct connection *connection)
{
	if (network.server_only)
		return;
	if (bpf_ringbuf_output(&network_records, &connection->shared, sizeof(connection->shared), BPF_RB_NO_WAKEUP))
		count_network(SWPROF_NETWORK_RECORD_LOST);
}

/* Ends a connection whose struct sock belongs to another socket now, and sends its record. */
static __always_inline void replace_connection(struct connection *connection, __u64 address)
{
	struct connection *near;

	connection->shared.closed_ns = bpf_ktime_get_ns();
	connection->shared.flags |= SWPROF_CONNECTION_CLOSED;
	send_connection(connection);
	near = near_place(address);
	if (near && near->shared.socket == address)
		__sync_lock_test_and_set(&near->shared.socket, 0);
	else
		bpf_map_delete_elem(&connections, &address);
}

static __always_inline void account(struct connection *connection, __u32 direction, __u64 bytes)
{
	/* A monitor wants no connections. */
	if (network.server_only)
		return;
	direction &= 1;
	__sync_fetch_and_add(&connection->shared.bytes[direction], bytes);
	__sync_fetch_and_add(&connection->shared.calls[direction], 1);
}

#endif
