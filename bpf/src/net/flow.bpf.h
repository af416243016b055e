/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows: the addresses of a connection as its socket has them, and the process at the other end. */
#ifndef SWPROF_NET_FLOW_BPF_H
#define SWPROF_NET_FLOW_BPF_H

#include "track/targets.bpf.h"
#include "abi/network.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_LISTEN 10
#define MSG_PEEK 2
#define MSG_TRUNC 0x20
#define MSG_ERRQUEUE 0x2000
#define SEND_SHUTDOWN 2
#define SOCK_DONE 1 /* of enum sock_flags: the other side has ended its direction */

/*
 * The process of each flow that has connected, of all processes on the host. It is the peer of a target that accepts
 * the connection.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 15);
	__type(key, struct swprof_flow);
	__type(value, struct swprof_owner);
} owners SEC(".maps");

/* The process of each socket that is connecting, by the address of the struct sock. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 12);
	__type(key, __u64);
	__type(value, struct swprof_owner);
} connecting SEC(".maps");

struct listener {
	__u8 address[16];
	__u32 netns;
	__u16 port;
	__u16 type;
};

/* The process of each listening socket, of all processes on the host. It is the peer of a target that connects. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 12);
	__type(key, struct listener);
	__type(value, struct swprof_owner);
} listeners SEC(".maps");

static __always_inline void read_comm(char *comm, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	bpf_probe_read_kernel(comm, SWPROF_COMM_SIZE, &leader->comm);
}

static __always_inline void note_owner(struct swprof_owner *owner, struct task_struct *task)
{
	owner->tgid = tgid_in_namespace(task);
	read_comm(owner->comm, task);
}

static __always_inline __u32 netns_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline __u64 socket_inode(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);

	if (!socket)
		return 0;
	/* Both lie in one struct socket_alloc, the socket first. */
	return BPF_CORE_READ((struct socket_alloc *)socket, vfs_inode.i_ino);
}

/* IPv4 addresses as ::ffff:a.b.c.d. */
static __always_inline void read_addresses(struct sock *sk, __u16 family, __u8 *local, __u8 *remote)
{
	if (family == AF_INET6) {
		bpf_core_read(local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(remote, 16, &sk->__sk_common.skc_v6_daddr);
		return;
	}
	__builtin_memset(local, 0, 12);
	__builtin_memset(remote, 0, 12);
	local[10] = local[11] = remote[10] = remote[11] = 0xff;
	bpf_core_read(local + 12, 4, &sk->__sk_common.skc_rcv_saddr);
	bpf_core_read(remote + 12, 4, &sk->__sk_common.skc_daddr);
}

static __always_inline __u16 remote_port(struct sock *sk)
{
	return __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

static __always_inline void read_tcp(struct sock *sk, struct swprof_tcp *tcp)
{
	struct tcp_sock *source = (struct tcp_sock *)sk;

	tcp->bytes_received = BPF_CORE_READ(source, bytes_received);
	tcp->bytes_acked = BPF_CORE_READ(source, bytes_acked);
	/* TCP counts the end of a direction as a byte. */
	if (BPF_CORE_READ(sk, __sk_common.skc_flags) & 1UL << SOCK_DONE)
		tcp->bytes_received -= 1;
	if (BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN &&
	    BPF_CORE_READ(source, snd_una) == BPF_CORE_READ(source, write_seq))
		tcp->bytes_acked -= 1;
	tcp->retransmits = BPF_CORE_READ(source, total_retrans);
	tcp->round_trip_us = BPF_CORE_READ(source, srtt_us) >> 3;
	tcp->is_known = 1;
}

/*
 * Gives an address a type, so that reading a field takes a load instead of a call. In the kernel since 6.2, and so
 * wherever the tracepoints of the socket layer are.
 */
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;
typedef void (*btf_trace_sock_send_length)(void *, struct sock *, int, int);

#define HAS_CASTS bpf_core_type_exists(btf_trace_sock_send_length)
#define CAST(type, address) ((type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))
/* Reads a field of a kernel struct: a load where casts are available, else a call of a helper. */
#define FIELD(type, address, field) (HAS_CASTS ? CAST(type, address)->field : BPF_CORE_READ((type *)(address), field))

/* The low half of an address, in which the kernel's addresses differ. The verifier takes half a pointer for a number.
 */
static __always_inline __u32 low_half(__u64 address)
{
	__u32 half;

	__asm__("%0 = %1" : "=w"(half) : "w"((__u32)address));
	return half;
}

static __always_inline bool is_ip(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

static __always_inline bool is_tcp(struct swprof_connection *shared)
{
	return shared->flags & SWPROF_CONNECTION_TCP;
}

/* Whether a socket is a TCP subflow of an MPTCP connection. Programs have no descriptor of subflows. */
static __always_inline bool is_subflow(struct sock *sk)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;

	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP && bpf_core_field_exists(tcp->is_mptcp) &&
	       BPF_CORE_READ(tcp, is_mptcp);
}

static __always_inline __u64 hashed(__u64 hash, __u64 word)
{
	hash ^= word;
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/* Sets the key of the peer: a client is a process or, on another host, an address; a server is that and a port. */
static __always_inline void note_peer(struct swprof_connection *shared)
{
	__u64 hash = hashed(shared->family, shared->peer_tgid);
	__u64 halves[2];

	__builtin_memcpy(halves, shared->remote, sizeof(halves));
	if (!shared->peer_tgid || !(shared->flags & SWPROF_CONNECTION_SERVER))
		hash = hashed(hashed(hashed(hash, halves[0]), halves[1]), shared->netns);
	if (!(shared->flags & SWPROF_CONNECTION_SERVER))
		hash = hashed(hash, shared->remote_port);
	else
		hash = hashed(hash, (__u64)shared->local_port << 16);
	shared->peer = hash;
}

static __always_inline bool is_same_address(__u8 *left, __u8 *right)
{
	__u64 a[2], b[2];

	__builtin_memcpy(a, left, sizeof(a));
	__builtin_memcpy(b, right, sizeof(b));
	return a[0] == b[0] && a[1] == b[1];
}

static __always_inline bool is_loopback(__u8 *address)
{
	__u64 halves[2];

	__builtin_memcpy(halves, address, sizeof(halves));
	if (halves[0])
		return false;
	return halves[1] == 1ULL << 56 || (address[10] == 0xff && address[12] == 127);
}

/* Whether both ends must be in one network namespace. Other namespaces may have the same addresses. */
static __always_inline bool stays_within_namespace(__u8 *local, __u8 *remote)
{
	return is_loopback(local) || is_loopback(remote) || is_same_address(local, remote);
}

static __always_inline void fill_flow(struct swprof_flow *flow, struct sock *sk)
{
	flow->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	flow->remote_port = remote_port(sk);
	flow->netns = netns_of(sk);
	flow->type = BPF_CORE_READ(sk, sk_type);
	read_addresses(sk, BPF_CORE_READ(sk, __sk_common.skc_family), flow->local, flow->remote);
}

/* Notes the process of a flow in its namespace and, if the peer may be in another namespace, for any namespace. */
static __always_inline void note_flow(struct swprof_flow *flow, struct swprof_owner *owner, __u64 flags)
{
	struct swprof_owner *known;

	owner->netns = flow->netns;
	bpf_map_update_elem(&owners, flow, owner, flags);
	if (stays_within_namespace(flow->local, flow->remote))
		return;
	flow->netns = 0;
	known = bpf_map_lookup_elem(&owners, flow);
	if (known && known->netns != owner->netns)
		known->is_ambiguous = 1;
	else
		bpf_map_update_elem(&owners, flow, owner, flags);
}

/* The process of a flow; NULL: unknown. Leaves the flow in any namespace in `flow` if it looks that up. */
static __always_inline struct swprof_owner *owner_of(struct swprof_flow *flow)
{
	struct swprof_owner *owner = bpf_map_lookup_elem(&owners, flow);

	if (owner || stays_within_namespace(flow->local, flow->remote))
		return owner;
	flow->netns = 0;
	owner = bpf_map_lookup_elem(&owners, flow);
	return owner && !owner->is_ambiguous ? owner : NULL;
}

static __always_inline bool is_ipv4(__u8 *address)
{
	__u32 words[4];

	__builtin_memcpy(words, address, sizeof(words));
	return !words[0] && !words[1] && words[2] == 0xffff0000;
}

/* The process that listens at the remote address of a connection within a namespace, or at any address. */
static __always_inline struct swprof_owner *listener_of(struct swprof_connection *shared)
{
	struct listener listener = {.netns = shared->netns, .port = shared->remote_port, .type = shared->type};
	struct swprof_owner *owner;

	__builtin_memcpy(listener.address, shared->remote, sizeof(listener.address));
	owner = bpf_map_lookup_elem(&listeners, &listener);
	if (!owner && is_ipv4(shared->remote)) {
		__builtin_memset(listener.address + 12, 0, 4);
		owner = bpf_map_lookup_elem(&listeners, &listener);
	}
	if (owner)
		return owner;
	__builtin_memset(listener.address, 0, sizeof(listener.address));
	return bpf_map_lookup_elem(&listeners, &listener);
}

static __always_inline void note_listener(struct sock *sk, struct swprof_owner *owner, __u64 flags)
{
	struct listener listener = {};
	__u8 remote[16];

	listener.netns = netns_of(sk);
	listener.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	listener.type = BPF_CORE_READ(sk, sk_type);
	read_addresses(sk, BPF_CORE_READ(sk, __sk_common.skc_family), listener.address, remote);
	bpf_map_update_elem(&listeners, &listener, owner, flags);
}

/* Finds the process at the other end, if it is on this host. */
static __always_inline void find_peer(struct swprof_connection *shared)
{
	struct swprof_flow reversed = {.local_port = shared->remote_port, .remote_port = shared->local_port};
	struct swprof_owner *owner;

	reversed.netns = shared->netns;
	reversed.type = shared->type;
	__builtin_memcpy(reversed.local, shared->remote, sizeof(reversed.local));
	__builtin_memcpy(reversed.remote, shared->local, sizeof(reversed.remote));
	owner = owner_of(&reversed);
	if (!owner && stays_within_namespace(shared->local, shared->remote))
		owner = listener_of(shared);
	if (owner) {
		shared->peer_tgid = owner->tgid;
		__builtin_memcpy(shared->peer_comm, owner->comm, sizeof(shared->peer_comm));
	}
}

static __always_inline void read_unix_path(struct unix_address *address, struct swprof_connection *shared)
{
	__u32 size = address ? BPF_CORE_READ(address, len) : 0;

	if (size <= 2)
		return;
	size -= 2;
	if (size >= sizeof(shared->path))
		size = sizeof(shared->path) - 1;
	bpf_probe_read_kernel(shared->path, size, &address->name[0].sun_path);
}

static __always_inline void describe_unix(struct sock *sk, struct swprof_connection *shared)
{
	struct unix_sock *unix_socket = (struct unix_sock *)sk;
	struct sock *peer = BPF_CORE_READ(unix_socket, peer);
	struct unix_address *address = BPF_CORE_READ(unix_socket, addr);
	struct pid *pid = BPF_CORE_READ(sk, sk_peer_pid);

	/* An accepted socket has the name of its listener. A socket that connects seldom has a name. */
	if (!(shared->flags & (SWPROF_CONNECTION_CLIENT | SWPROF_CONNECTION_SERVER)))
		shared->flags |= address ? SWPROF_CONNECTION_SERVER : SWPROF_CONNECTION_CLIENT;
	if (!address && peer)
		address = BPF_CORE_READ((struct unix_sock *)peer, addr);
	read_unix_path(address, shared);
	if (peer)
		shared->peer_inode = socket_inode(peer);
	shared->netns = netns_of(sk);
	shared->peer_tgid = pid_in_namespace(pid);
}

/* Whether a socket was accepted: it then has its listener's backlog. With MPTCP, its first subflow has it. */
static __always_inline bool is_accepted(struct sock *sk, struct swprof_connection *shared)
{
	struct mptcp_sock *paths = (struct mptcp_sock *)sk;

	if (!is_tcp(shared) && bpf_core_field_exists(paths->first))
		sk = BPF_CORE_READ(paths, first);
	return BPF_CORE_READ(sk, sk_max_ack_backlog) != 0;
}

static __always_inline void describe_ip(struct sock *sk, struct swprof_connection *shared)
{
	shared->netns = netns_of(sk);
	shared->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	shared->remote_port = remote_port(sk);
	read_addresses(sk, shared->family, shared->local, shared->remote);
	if (!(shared->flags & (SWPROF_CONNECTION_CLIENT | SWPROF_CONNECTION_SERVER))) {
		if (shared->type == SOCK_STREAM ? is_accepted(sk, shared) : !shared->remote_port)
			shared->flags |= SWPROF_CONNECTION_SERVER;
		else
			shared->flags |= SWPROF_CONNECTION_CLIENT;
	}
	find_peer(shared);
	if (is_tcp(shared))
		read_tcp(sk, &shared->tcp_before);
}

#endif
