/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The connections of the targets: how one is found by its struct sock, how it begins and ends.
 *
 * A connection is known by the address of its struct sock, which every hook has, whatever runs there; TCP tells when
 * that address is free again, and the inode tells others apart. Nothing that runs in an interrupt is attributed by the
 * task that was interrupted.
 */
#ifndef SWPROF_NET_CONNECTIONS_BPF_H
#define SWPROF_NET_CONNECTIONS_BPF_H

#include "flow.bpf.h"
#include "pairing.h"
#include "proto/parser.h"
#include "target_bits.bpf.h"

#define FILLING_MAX 256 /* looks at a place that another CPU fills */

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
	/* What every look at data needs, close together. */
	__u8 protocol; /* enum protocol */
	__u8 attempts; /* calls that no protocol could begin with */
	__u8 has_sequence[2]; /* 0 or 1 */
	__u8 has_prefix[2]; /* 0 or 1: it is whole */
	__u8 is_open; /* 0 or 1: the body of a request is being read */
	__u8 reserved;
	__u32 sequence[2]; /* TCP's number of the next byte to look at */
	__u32 messages[2];
	struct pairing pairing;
	__u32 owner; /* the kernel's number of the process `shared.tgid` */
	struct parser_stream streams[2];
	__u64 positions[2]; /* bytes of each direction that were looked at or passed over */
	__u64 message_ns[2]; /* the first byte of the message that is being read */
	__u64 message_start[2]; /* its position */
	__u64 last_ns[2];
	__u64 missed[2]; /* bytes that another task's look has kept from being looked at */
	struct pending_request pending[PAIRING_WAITING_MAX];
	struct http_head heads[2];
	__u64 hold_ns; /* when TCP was given the end of a message that it holds back; 0: it holds none */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16); /* set before load */
	__type(key, __u64); /* the address of a struct sock */
	__type(value, struct connection);
} connections SEC(".maps");

/*
 * As many connections as there are places here are found without a call: the address of the struct sock says where. The
 * others, whose place is taken, are in `connections`. `shared.socket` is 0 where a place is free, and inverted while
 * one is being filled.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before load */
	__type(key, __u32);
	__type(value, struct connection);
} near_connections SEC(".maps");

/* Where a new one is put together; pointers that lie in a map are numbers to the verifier. */
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

/* Which programs should be attached that are not from the beginning, and which are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32); /* SWPROF_NEEDS_* */
	__type(value, __u32); /* SWPROF_NEED_* */
} needs SEC(".maps");

/* Tells user space, at once, what a target needs. */
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

/* Sets memory to zero that is too large for the compiler's own way. */
static __always_inline void clear(void *memory, __u32 size)
{
	for (__u32 i = 0; i < size / sizeof(__u64); i++)
		((volatile __u64 *)memory)[i] = 0;
}

/* The same for copies. */
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

/* What was sent has been looked at, up to TCP's number `next`. */
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

/* Puts a new connection into the near place of its address, if that is free. */
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

/* Whether connections of a socket's kind are looked at. Adds what TCP's connections are known by to `flags`. */
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

/* Makes the socket of the task in `new_connections` one of the connections. Returns whether it is one now. */
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
	/* Our own control socket, by which we hold a command until the probes are armed. */
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

/* Sends a connection to user space, which does not ask for them where it only counts requests. */
static __always_inline void send_connection(struct connection *connection)
{
	if (network.server_only)
		return;
	if (bpf_ringbuf_output(&network_records, &connection->shared, sizeof(connection->shared), BPF_RB_NO_WAKEUP))
		count_network(SWPROF_NETWORK_RECORD_LOST);
}

/* Sends what a connection was, as its socket is another one now; only TCP tells when one ends. */
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
	/* Nobody asks for connections then. */
	if (network.server_only)
		return;
	direction &= 1;
	__sync_fetch_and_add(&connection->shared.bytes[direction], bytes);
	__sync_fetch_and_add(&connection->shared.calls[direction], 1);
}

#endif
