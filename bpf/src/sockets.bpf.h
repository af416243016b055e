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
	struct outgoing *outgoing;
	struct payload *payload;
	bool is_within;
	__u16 family;

	if (!is_target_current())
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_UNIX && !is_ip(family))
		return 0;
	is_within = is_within_tls((__u64)sk);
	connection = current_connection(sk);
	if (!connection)
		return 0;
	outgoing = &connection->outgoing;
	if (result > 0)
		account(connection, SWPROF_SENT, result);
	if (network.sent != SWPROF_SOURCE_SOCKETS)
		return 0;
	if (is_within || is_encrypted(connection) || result <= 0 || is_done(connection, SWPROF_SENT)) {
		outgoing->is_known = 0;
		return 0;
	}
	payload = begin_look(SWPROF_SENT, outgoing->is_known ? outgoing->started_ns : bpf_ktime_get_ns());
	if (!payload)
		return 0;
	/* Of unix sockets, the reader's side is looked at. */
	if (!outgoing->is_known && family != AF_UNIX)
		pass_over(connection, payload, result);
	else if (!outgoing->is_known)
		return 0;
	else if (outgoing->kind == SWPROF_ITERATOR_BUFFER)
		read_memory(connection, payload, outgoing->base + outgoing->offset, result);
	else if (outgoing->kind == SWPROF_ITERATOR_VECTORS && outgoing->offset < VECTOR_OFFSET_MAX)
		read_vectors(connection, payload, outgoing->base, VECTORS(outgoing->segments, outgoing->offset, 1),
			     result);
	else
		pass_over(connection, payload, result);
	outgoing->is_known = 0;
	return 0;
}

/* A sendmsg comes here as often as it fills a packet; its data is still whole the first time. */
SEC("tp_btf/tcp_sendmsg_locked")
int begin_send(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	struct msghdr *message = (struct msghdr *)context[1];
	struct connection *connection;
	struct outgoing *outgoing;
	__u8 kind;

	if (!is_target_current())
		return 0;
	connection = current_connection(sk);
	if (!connection)
		return 0;
	outgoing = &connection->outgoing;
	if (outgoing->is_known || is_encrypted(connection) || is_done(connection, SWPROF_SENT))
		return 0;
	kind = message->msg_iter.iter_type;
	outgoing->kind = SWPROF_ITERATOR_OTHER;
	if (kind == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		outgoing->kind = SWPROF_ITERATOR_BUFFER;
		outgoing->base = (__u64)message->msg_iter.ubuf;
	} else if (kind == bpf_core_enum_value(enum iter_type, ITER_IOVEC)) {
		outgoing->kind = SWPROF_ITERATOR_VECTORS;
		outgoing->base = (__u64)message->msg_iter.__iov;
	}
	outgoing->offset = message->msg_iter.iov_offset;
	outgoing->segments = message->msg_iter.nr_segs;
	outgoing->started_ns = bpf_ktime_get_ns();
	outgoing->is_known = 1;
	return 0;
}

/* Bytes that a reader throws away (MSG_TRUNC) are copied from no packet; TCP's number of the next one counts them. */
static __always_inline void pass_over_discarded(struct connection *connection, struct sock *sk)
{
	__u32 position = CAST(struct tcp_sock, sk)->copied_seq;
	struct payload *payload;
	__s32 ahead;

	if (!connection->has_receive_sequence || is_encrypted(connection) || is_done(connection, SWPROF_RECEIVED))
		return;
	ahead = position - connection->receive_sequence;
	payload = begin_look(SWPROF_RECEIVED, bpf_ktime_get_ns());
	if (ahead <= 0 || !payload)
		return;
	connection->receive_sequence = position;
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
	__u32 size;

	payload->position = 0;
	payload->length = length;
	payload->offset = offset;
	for (int i = 0; i < PIECES_MAX; i++) {
		size = i ? find_piece(connection, payload) : first_piece(connection, payload);
		if (!size)
			break;
		size = BOUNDED(size, HTTP_CHUNK_SIZE);
		if (bpf_dynptr_read(payload->chunk.bytes, size, packet, payload->offset + payload->position, 0)) {
			miss_piece(connection, payload);
			break;
		}
		if (!i) {
			int verdict = look_at_piece(connection, payload);

			if (!verdict)
				break;
			size = BOUNDED(payload->wanted, SWPROF_PAYLOAD_MAX);
			if (verdict == LOOK_AND_SEND &&
			    !bpf_dynptr_read(payload->beginning.bytes, size, packet, payload->offset, 0))
				send_beginning(connection, payload);
		}
		read_piece(connection, payload);
	}
	end_pieces(connection, payload);
}

/*
 * Data of a packet is copied to its reader. TCP's own number of the first byte tells what was read before, as by a look
 * ahead (MSG_PEEK), and what was thrown away unread.
 */
static __always_inline bool find_tcp_bytes(struct connection *connection, struct payload *payload,
					   struct sk_buff *packet, struct sock *sk, __u32 *offset, __u32 *length)
{
	__u32 start = CAST(struct tcp_skb_cb, packet->cb)->seq, position = CAST(struct tcp_sock, sk)->copied_seq, seen;
	__s32 ahead;

	/* A look ahead that goes on in a later packet. */
	if ((__s32)(position - start) < 0)
		position = start;
	*offset = position - start;
	if (connection->has_receive_sequence) {
		ahead = position - connection->receive_sequence;
		if (ahead < 0) {
			seen = -ahead;
			if (seen >= *length)
				return false;
			*offset += seen;
			*length -= seen;
		} else if (ahead > 0) {
			pass_over(connection, payload, ahead);
		}
	}
	connection->receive_sequence = start + *offset + *length;
	connection->has_receive_sequence = 1;
	return true;
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
	__u32 length = context[1], offset = 0;
	struct sock *sk = packet->sk, *reader;
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
		if (reader && is_target_current())
			read_unix(packet, &dynptr, current_connection(reader), SWPROF_RECEIVED, length);
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
