/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls and data as the socket layer tells them. */
#ifndef SWPROF_SOCKETS_BPF_H
#define SWPROF_SOCKETS_BPF_H

#include "tls.bpf.h"

SEC("tp_btf/sock_send_length")
int send_length(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	__s32 result = context[1];
	struct connection *connection;
	__u16 family;

	if (!is_target_current())
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_UNIX && !is_ip(family))
		return 0;
	is_within_tls((__u64)sk);
	if (result <= 0)
		return 0;
	connection = current_connection(sk);
	if (connection)
		account(connection, SWPROF_SENT, result);
	return 0;
}

/*
 * What of the bytes that begin at TCP's number `position` was not looked at before: leaves out the first of them, and
 * passes over those before them that no program saw. Returns whether there are any.
 */
static __always_inline bool find_unseen(struct connection *connection, struct payload *payload, __u32 direction,
					__u32 position, __u64 *offset, __u32 *length)
{
	__s32 ahead = position - connection->sequence[direction];
	__u32 seen = 0;

	if (connection->has_sequence[direction] && ahead < 0)
		seen = -ahead;
	if (seen >= *length)
		return false;
	if (connection->has_sequence[direction] && ahead > 0)
		pass_over(connection, payload, ahead);
	connection->sequence[direction] = position + *length;
	connection->has_sequence[direction] = 1;
	*offset += seen;
	*length -= seen;
	return true;
}

/* An address as a number, which it is for the verifier once it has been in memory of maps. */
static __always_inline __u64 number_of(struct payload *payload, const void *address)
{
	*(volatile __u64 *)&payload->address = (__u64)address;
	return *(volatile __u64 *)&payload->address;
}

/* TCP's numbers wrap around. */
#define SEND_MAX (1U << 30)

/*
 * TCP is about to take what a sendmsg has left. It comes here as often as that fills a packet, and again with the same
 * bytes where a call was cut short.
 */
SEC("tp_btf/tcp_sendmsg_locked")
int begin_send(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	struct msghdr *message = (struct msghdr *)context[1];
	struct connection *connection;
	__u32 position, length;
	struct payload *payload;
	__u64 count, offset;
	__u8 kind;

	if (!is_target_current())
		return 0;
	connection = current_connection(sk);
	if (is_within_tls((__u64)sk) || !connection || is_encrypted(connection) || is_done(connection, SWPROF_SENT))
		return 0;
	payload = begin_look(SWPROF_SENT, bpf_ktime_get_ns());
	position = CAST(struct tcp_sock, sk)->write_seq;
	count = message->msg_iter.count;
	length = count > SEND_MAX ? SEND_MAX : count;
	offset = message->msg_iter.iov_offset;
	if (!payload || !find_unseen(connection, payload, SWPROF_SENT, position, &offset, &length))
		return 0;
	kind = message->msg_iter.iter_type;
	if (kind == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		read_memory(connection, payload, number_of(payload, message->msg_iter.ubuf) + offset, length);
	else if (kind == bpf_core_enum_value(enum iter_type, ITER_IOVEC) && offset < VECTOR_OFFSET_MAX)
		read_vectors(connection, payload, number_of(payload, message->msg_iter.__iov),
			     VECTORS(message->msg_iter.nr_segs, offset, 1), length);
	else
		pass_over(connection, payload, length);
	return 0;
}

/* Bytes that a reader throws away (MSG_TRUNC) are copied from no packet; TCP's number of the next one counts them. */
static __always_inline void pass_over_discarded(struct connection *connection, struct sock *sk)
{
	__u32 position = CAST(struct tcp_sock, sk)->copied_seq;
	struct payload *payload;
	__s32 ahead;

	if (!connection->has_sequence[SWPROF_RECEIVED] || is_encrypted(connection) ||
	    is_done(connection, SWPROF_RECEIVED))
		return;
	ahead = position - connection->sequence[SWPROF_RECEIVED];
	payload = begin_look(SWPROF_RECEIVED, bpf_ktime_get_ns());
	if (ahead <= 0 || !payload)
		return;
	connection->sequence[SWPROF_RECEIVED] = position;
	pass_over(connection, payload, ahead);
}

SEC("tp_btf/sock_recv_length")
int receive_length(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	__s32 result = context[1], flags = context[2];
	struct connection *connection;
	__u16 family;

	if (!is_target_current())
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_UNIX && !is_ip(family))
		return 0;
	is_within_tls((__u64)sk);
	if (result <= 0 || flags & MSG_PEEK)
		return 0;
	connection = current_connection(sk);
	if (!connection)
		return 0;
	account(connection, SWPROF_RECEIVED, result);
	if (flags & MSG_TRUNC && network.received == SWPROF_SOURCE_SOCKETS && is_tcp(&connection->shared))
		pass_over_discarded(connection, sk);
	return 0;
}

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *dynptr) __ksym __weak;

/* Reads `length` bytes of a packet from an offset on. */
static __always_inline void read_packet(struct connection *connection, struct payload *payload,
					struct bpf_dynptr *packet, __u32 offset, __u32 length)
{
	payload->offset = offset;
	read_pieces(connection, payload, packet, length);
}

/*
 * Data of a packet is copied to its reader. TCP's own number of the first byte tells what was read before, as by a look
 * ahead (MSG_PEEK), and what was thrown away unread.
 */
static __always_inline bool find_tcp_bytes(struct connection *connection, struct payload *payload,
					   struct sk_buff *packet, struct sock *sk, __u64 *offset, __u32 *length)
{
	__u32 start = CAST(struct tcp_skb_cb, packet->cb)->seq, position = CAST(struct tcp_sock, sk)->copied_seq;

	/* A look ahead that goes on in a later packet. */
	if ((__s32)(position - start) < 0)
		position = start;
	*offset = position - start;
	return find_unseen(connection, payload, SWPROF_RECEIVED, position, offset, length);
}

/* The data of unix sockets lies in packets of the sender; both of its ends are looked at here. */
static __always_inline void read_unix(struct sk_buff *packet, struct bpf_dynptr *dynptr, struct connection *connection,
				      __u32 direction, __u32 length)
{
	struct payload *payload;
	__u32 offset = 0;

	if (!connection || is_encrypted(connection))
		return;
	payload = begin_look(direction, bpf_ktime_get_ns());
	if (!payload)
		return;
	if (connection->shared.type == SOCK_STREAM)
		offset = CAST(struct unix_skb_parms, packet->cb)->consumed;
	read_packet(connection, payload, dynptr, offset, length);
}

SEC("tp_btf/skb_copy_datagram_iovec")
int copy_packet(__u64 *context)
{
	struct sk_buff *packet = (struct sk_buff *)context[0];
	struct sock *sk = packet->sk, *reader;
	__u32 length = context[1];
	__u64 offset = 0;
	struct connection *connection;
	struct bpf_dynptr dynptr;
	struct payload *payload;
	__u16 family;

	if (!sk || !length)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family == AF_UNIX) {
		if (bpf_dynptr_from_skb((struct __sk_buff *)packet, 0, &dynptr))
			return 0;
		if (network.sent == SWPROF_SOURCE_SOCKETS)
			read_unix(packet, &dynptr, connection_at((__u64)sk), SWPROF_SENT, length);
		reader = BPF_CORE_READ((struct unix_sock *)sk, peer);
		/* What was accepted shows for the first time when it is read from. */
		if (!reader || !is_target_current())
			return 0;
		connection = current_connection(reader);
		if (!is_within_tls((__u64)reader))
			read_unix(packet, &dynptr, connection, SWPROF_RECEIVED, length);
		return 0;
	}
	if (!is_ip(family) || !is_target_current())
		return 0;
	connection = current_connection(sk);
	if (!connection || is_encrypted(connection) || is_within_tls((__u64)sk))
		return 0;
	if (is_done(connection, SWPROF_RECEIVED))
		return 0;
	payload = begin_look(SWPROF_RECEIVED, bpf_ktime_get_ns());
	if (!payload)
		return 0;
	if (is_tcp(&connection->shared) && !find_tcp_bytes(connection, payload, packet, sk, &offset, &length))
		return 0;
	if (bpf_dynptr_from_skb((struct __sk_buff *)packet, 0, &dynptr))
		return 0;
	read_packet(connection, payload, &dynptr, offset, length);
	return 0;
}

#endif
