/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls and their data, by the tracepoints of the socket layer.
 *
 * Two programs count all that is sent and received. They read the data that the syscall arguments lead to. Two more
 * programs cost every process on the host for each call or packet, and are attached once a target needs them:
 *
 *	copy_packet	reads what io_uring and others receive, whose data no syscall argument leads to
 *	begin_send	reads what those send, and the requests of clients: another thread may read the answer before
 *			the call that sends has ended
 *
 * By TCP's sequence numbers, each program knows which bytes another one has read.
 */
#ifndef SWPROF_NET_SOCKETS_BPF_H
#define SWPROF_NET_SOCKETS_BPF_H

#include "arch/arch.h"
#include "connections.bpf.h"
#include "scratch.bpf.h"
#include "stream.bpf.h"
#include "syscall_arguments.bpf.h"
#include "target_bits.bpf.h"
#include "tcp_times.bpf.h"
#include "tls.bpf.h"
#include "vectors.bpf.h"

/*
 * Leaves out the bytes from TCP's sequence number `position` on that were read before. Skips bytes before `position`
 * that no program has read. Returns whether bytes are left to read.
 */
static __always_inline bool find_unseen(struct connection *connection, struct scratch *scratch, __u32 direction,
					__u32 position, __u64 *offset, __u32 *length)
{
	__s32 ahead = position - connection->sequence[direction];
	__u32 seen = 0;

	if (connection->has_sequence[direction] && ahead < 0)
		seen = -ahead;
	if (seen >= *length)
		return false;
	if (connection->has_sequence[direction] && ahead > 0)
		pass_over(connection, scratch, ahead);
	connection->sequence[direction] = position + *length;
	connection->has_sequence[direction] = 1;
	*offset += seen;
	*length -= seen;
	return true;
}

/* No attached program can find the data of a call. Asks for one that can. */
__attribute__((noinline)) int miss_call(struct connection *connection, struct scratch *scratch, __u64 length)
{
	if (!connection || !scratch || connection->protocol == PROTOCOL_UNREAD)
		return 0;
	/* Datagrams carry no HTTP. Their data only serves to recognize other protocols. */
	if (connection->shared.type != SOCK_DGRAM)
		count_network(SWPROF_NETWORK_UNREADABLE);
	pass_over(connection, scratch, length);
	need(is_tcp(&connection->shared) ? SWPROF_NEED_SENDING | SWPROF_NEED_PACKETS : SWPROF_NEED_PACKETS);
	return 0;
}

/* Reads the data of the current call; its last byte comes before TCP's sequence number `end`. */
static __always_inline void read_content(struct connection *connection, struct sock *sk, struct task_struct *task,
					 __u32 direction, __u32 length, __u32 end, bool is_discarded)
{
	struct scratch *scratch;
	struct pt_regs *regs;
	__u64 offset = 0;

	if (is_encrypted(connection) || is_done(connection, direction))
		return;
	scratch = begin_look(direction, bpf_ktime_get_ns());
	if (!scratch)
		return;
	if (is_tcp(&connection->shared)) {
		if (direction == SWPROF_RECEIVED)
			note_sending(connection, scratch, CAST(struct tcp_sock, sk)->write_seq);
		if (!find_unseen(connection, scratch, direction, end - length, &offset, &length))
			return;
		if (is_discarded) {
			pass_over(connection, scratch, length);
			return;
		}
	}
	regs = call_on(sk, direction, task);
	if (!regs || offset >= VECTOR_OFFSET_MAX) {
		miss_call(connection, scratch, length);
		return;
	}
	if (connection->shared.fd < 0)
		connection->shared.fd =
			arch_system_call(regs) == CALL_SPLICE ? arch_argument_3(regs) : arch_argument_1(regs);
	read_call(connection, scratch, regs, arch_system_call(regs), offset, length);
}

static __always_inline bool is_counted(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return family == AF_UNIX || is_ip(family);
}

/* TCP's sequence number of the next byte to receive. TCP counts the end of a direction as a byte, which is left out. */
static __always_inline __u32 next_byte(struct sock *sk)
{
	struct tcp_sock *tcp = CAST(struct tcp_sock, sk);
	__u32 position = tcp->copied_seq;

	if (sk->__sk_common.skc_flags & 1UL << SOCK_DONE && position == tcp->rcv_nxt)
		position -= 1;
	return position;
}

/* Counts and reads a call of the current task; `flags` are those of a call that receives. */
static __always_inline void look_at_call(struct sock *sk, __s32 result, __u32 direction, __s32 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct connection *connection;
	bool is_within;
	__u32 end;

	if (!is_target_process(task->tgid) || !is_counted(sk))
		return;
	is_within = is_within_tls((__u64)sk);
	if (result <= 0 || flags & (MSG_PEEK | MSG_ERRQUEUE))
		return;
	connection = current_connection(sk);
	if (!connection)
		return;
	account(connection, direction, result);
	if (is_within)
		return;
	end = direction == SWPROF_SENT ? CAST(struct tcp_sock, sk)->write_seq : next_byte(sk);
	/* With MSG_TRUNC, TCP discards the bytes: they are in no buffer. */
	read_content(connection, sk, task, direction, result, end, flags & MSG_TRUNC);
	if (direction == SWPROF_SENT && is_tcp(&connection->shared))
		note_unsent(connection, end, CAST(struct tcp_sock, sk)->snd_nxt);
}

SEC("tp_btf/sock_send_length")
int send_length(__u64 *context)
{
	look_at_call((struct sock *)context[0], context[1], SWPROF_SENT, 0);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int receive_length(__u64 *context)
{
	look_at_call((struct sock *)context[0], context[1], SWPROF_RECEIVED, context[2]);
	return 0;
}

/* Turns an address into a number for the verifier, by a detour through memory of a map. */
static __always_inline __u64 number_of(struct scratch *scratch, const void *address)
{
	*(volatile __u64 *)&scratch->address = (__u64)address;
	return *(volatile __u64 *)&scratch->address;
}

/* TCP's sequence numbers wrap around: a larger difference is a negative one. */
#define SEND_MAX (1U << 30)

/*
 * Whether send_length will read these bytes. It does if bytes before them were not read here: the call began before
 * this program was attached, or they were sent in another way.
 */
static __always_inline bool is_left_to_end(struct connection *connection, struct sock *sk, __u32 position)
{
	if (connection->has_sequence[SWPROF_SENT] && (__s32)(position - connection->sequence[SWPROF_SENT]) <= 0)
		return false;
	return is_met(SWPROF_NEED_LENGTHS) && call_on(sk, SWPROF_SENT, bpf_get_current_task_btf());
}

/*
 * TCP is about to take the rest of a sendmsg. This runs once for each packet that fills up, and again for the same
 * bytes if a call was cut short.
 */
SEC("tp_btf/tcp_sendmsg_locked")
int begin_send(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	struct msghdr *message = (struct msghdr *)context[1];
	struct connection *connection;
	__u32 position, length;
	struct scratch *scratch;
	__u64 count, offset;
	__u8 kind;

	if (!is_target_current())
		return 0;
	connection = current_connection(sk);
	if (is_within_tls((__u64)sk) || !connection || is_encrypted(connection) || is_done(connection, SWPROF_SENT))
		return 0;
	position = CAST(struct tcp_sock, sk)->write_seq;
	if (is_left_to_end(connection, sk, position))
		return 0;
	scratch = begin_look(SWPROF_SENT, bpf_ktime_get_ns());
	count = message->msg_iter.count;
	length = count > SEND_MAX ? SEND_MAX : count;
	offset = message->msg_iter.iov_offset;
	if (!scratch || !find_unseen(connection, scratch, SWPROF_SENT, position, &offset, &length))
		return 0;
	kind = message->msg_iter.iter_type;
	if (kind == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		read_memory(connection, scratch, number_of(scratch, message->msg_iter.ubuf) + offset, length);
	else if (kind == bpf_core_enum_value(enum iter_type, ITER_IOVEC) && offset < VECTOR_OFFSET_MAX)
		read_vectors(connection, scratch, number_of(scratch, message->msg_iter.__iov),
			     VECTORS(message->msg_iter.nr_segs, offset, 1), length);
	else
		pass_over(connection, scratch, length);
	return 0;
}

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags, struct bpf_dynptr *dynptr) __ksym __weak;

/*
 * Finds the offset of the data that is copied to its reader in a packet. TCP's sequence number of the first byte shows
 * which bytes were read before, for example by MSG_PEEK. Returns whether bytes are left to read.
 */
static __always_inline bool find_in_packet(struct connection *connection, struct scratch *scratch,
					   struct sk_buff *packet, struct sock *sk, __u64 *offset, __u32 *length)
{
	__u32 start, position;

	if (connection->shared.family == AF_UNIX && connection->shared.type == SOCK_STREAM)
		*offset = CAST(struct unix_skb_parms, packet->cb)->consumed;
	/* Packets of MPTCP do not show which of their bytes are copied: the call counts as not read. */
	if (!is_tcp(&connection->shared))
		return !is_ip(connection->shared.family) || connection->shared.type != SOCK_STREAM;
	note_sending(connection, scratch, CAST(struct tcp_sock, sk)->write_seq);
	start = CAST(struct tcp_skb_cb, packet->cb)->seq;
	position = CAST(struct tcp_sock, sk)->copied_seq;
	/* A MSG_PEEK goes on in a later packet. */
	if ((__s32)(position - start) < 0)
		position = start;
	*offset = position - start;
	return find_unseen(connection, scratch, SWPROF_RECEIVED, position, offset, length);
}

/* A packet is copied to its reader. If a system call receives it, receive_length reads it. */
SEC("tp_btf/skb_copy_datagram_iovec")
int copy_packet(__u64 *context)
{
	struct sk_buff *packet = (struct sk_buff *)context[0];
	struct sock *sk = packet->sk;
	__u32 length = context[1];
	__u64 offset = 0;
	struct connection *connection;
	struct bpf_dynptr dynptr;
	struct scratch *scratch;

	if (!sk || !length || !is_target_current() || !is_counted(sk))
		return 0;
	/* Packets of unix sockets belong to the sender's socket. */
	if (sk->__sk_common.skc_family == AF_UNIX)
		sk = CAST(struct sock, CAST(struct unix_sock, sk)->peer);
	if (!sk || call_on(sk, SWPROF_RECEIVED, bpf_get_current_task_btf()))
		return 0;
	connection = current_connection(sk);
	if (!connection || is_within_tls((__u64)sk) || is_encrypted(connection) || is_done(connection, SWPROF_RECEIVED))
		return 0;
	scratch = begin_look(SWPROF_RECEIVED, bpf_ktime_get_ns());
	if (!scratch || !find_in_packet(connection, scratch, packet, sk, &offset, &length))
		return 0;
	if (bpf_dynptr_from_skb((struct __sk_buff *)packet, 0, &dynptr)) {
		miss_data(connection, scratch, length);
		return 0;
	}
	scratch->offset = offset;
	read_chunks(connection, scratch, &dynptr, length);
	return 0;
}

#endif
