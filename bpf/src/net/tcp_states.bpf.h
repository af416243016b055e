/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How TCP connections begin and end: states, resets, dropped packets. Many of these programs run in interrupts. */
#ifndef SWPROF_NET_TCP_STATES_BPF_H
#define SWPROF_NET_TCP_STATES_BPF_H

#include "connections.bpf.h"
#include "flow.bpf.h"
#include "scratch.bpf.h"
#include "stream.bpf.h"
#include "syscalls.bpf.h"
#include "target_bits.bpf.h"
#include "tcp_times.bpf.h"

/* Packets that the kernel dropped on sockets of the targets. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 12);
	__type(key, __u32); /* enum skb_drop_reason */
	__type(value, __u64);
} drops SEC(".maps");

static __always_inline void begin_connecting(struct sock *sk)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 address = (__u64)sk;
	struct swprof_owner owner = {};

	note_owner(&owner, task);
	bpf_map_update_elem(&connecting, &address, &owner, BPF_ANY);
	if (is_target_current() && !is_subflow(sk))
		create_connection(sk, task, SWPROF_CONNECTION_CLIENT);
}

static __always_inline void end_connecting(struct sock *sk, bool is_established)
{
	__u64 address = (__u64)sk, now = bpf_ktime_get_ns();
	struct swprof_owner *owner = bpf_map_lookup_elem(&connecting, &address);
	struct connection *connection = connection_at(address);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct swprof_flow flow = {};

	if (owner && is_established) {
		fill_flow(&flow, sk);
		note_flow(&flow, owner, BPF_ANY);
	}
	if (owner)
		bpf_map_delete_elem(&connecting, &address);
	if (!connection)
		return;
	connection->shared.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	connection->shared.remote_port = remote_port(sk);
	read_addresses(sk, family, connection->shared.local, connection->shared.remote);
	if (!connection->shared.peer_tgid)
		find_peer(&connection->shared);
	note_peer(&connection->shared);
	if (!is_established) {
		connection->shared.flags |= SWPROF_CONNECTION_FAILED;
		connection->shared.error = BPF_CORE_READ(sk, sk_err);
		return;
	}
	connection->shared.established_ns = now;
	connection->shared.connect_ns = now - connection->shared.first_ns;
	/* With TCP fast open, data goes with the attempt. */
	if (is_tcp(&connection->shared) && !BPF_CORE_READ((struct tcp_sock *)sk, data_segs_out))
		note_sent(connection, BPF_CORE_READ((struct tcp_sock *)sk, write_seq));
}

SEC("tp_btf/inet_sock_set_state")
int change_state(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	int old = context[1], new = context[2];
	__u64 address = (__u64)sk, now;
	struct connection *stale;
	struct swprof_owner owner = {};

	if (is_over())
		return 0;
	if (new == TCP_SYN_SENT || (old == TCP_SYN_RECV && new == TCP_ESTABLISHED)) {
		/* Its end was not seen: a program does not run within itself, and MPTCP has no tracepoint for the end.
		 */
		stale = connection_at(address);
		/* A connection may be established in an interrupt, which has no scratch buffer to end answers with. */
		if (stale && new == TCP_SYN_SENT)
			end_replaced(stale);
		else if (stale)
			replace_connection(stale, address);
	}
	if (network.call_times && old == TCP_SYN_RECV && new == TCP_ESTABLISHED) {
		now = bpf_ktime_get_ns();
		bpf_map_update_elem(&established, &address, &now, BPF_ANY);
	}
	if (old == TCP_CLOSE && new == TCP_SYN_SENT) {
		begin_connecting(sk);
	} else if (old == TCP_SYN_SENT) {
		end_connecting(sk, new == TCP_ESTABLISHED);
	} else if (new == TCP_LISTEN) {
		note_owner(&owner, (struct task_struct *)bpf_get_current_task());
		note_listener(sk, &owner, BPF_ANY);
	}
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int destroy_socket(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	__u64 address = (__u64)sk;
	struct connection *connection = connection_at(address);

	if (!connection || is_over())
		return 0;
	read_tcp(sk, &connection->shared.tcp);
	end_streams(connection, scratch_at(SCRATCH_END));
	end_hold(connection, sk, bpf_ktime_get_ns());
	replace_connection(connection, address);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int receive_reset(__u64 *context)
{
	struct connection *connection = connection_at(context[0]);

	if (connection)
		connection->shared.flags |= SWPROF_CONNECTION_RESET_RECEIVED;
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int send_reset(__u64 *context)
{
	struct connection *connection = connection_at(context[0]);

	if (connection)
		connection->shared.flags |= SWPROF_CONNECTION_RESET_SENT;
	return 0;
}

/* kfree_skb since 6.11, with the socket that should have received the packet. */
typedef void (*btf_trace_kfree_skb___with_socket)(void *, struct sk_buff *, void *, enum skb_drop_reason,
						  struct sock *);

SEC("tp_btf/kfree_skb")
int drop_packet(__u64 *context)
{
	struct sk_buff *packet = (struct sk_buff *)context[0];
	__u32 reason = context[2];
	struct connection *connection;
	__u64 first = 1, *count, sk;

	/* The first reasons are no drops, or not specified. */
	if (reason <= SKB_DROP_REASON_NOT_SPECIFIED)
		return 0;
	sk = (__u64)packet->sk;
	if (!sk && bpf_core_type_matches(btf_trace_kfree_skb___with_socket))
		sk = context[3];
	connection = sk ? connection_at(sk) : NULL;
	if (!connection)
		return 0;
	connection->shared.drops += 1;
	count = bpf_map_lookup_elem(&drops, &reason);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&drops, &reason, &first, BPF_NOEXIST);
	return 0;
}

#endif
