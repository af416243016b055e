/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls and their data at the end of system calls, and the durations of these. */
#ifndef SWPROF_NET_SYSCALLS_BPF_H
#define SWPROF_NET_SYSCALLS_BPF_H

#include "arch/arch.h"
#include "connections.bpf.h"
#include "endpoints.bpf.h"
#include "scratch.bpf.h"
#include "sockets.bpf.h"
#include "stream.bpf.h"
#include "syscall_arguments.bpf.h"
#include "target_bits.bpf.h"
#include "tls.bpf.h"

/* The durations of the calls of a process, by peer, if call times are measured. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 12);
	__type(key, struct swprof_call_key);
	__type(value, struct swprof_times);
} call_times SEC(".maps");

#define MESSAGES_MAX 64

/* The bytes of all messages of sendmmsg and recvmmsg, up to MESSAGES_MAX messages. */
static __always_inline __u64 bytes_of_messages(__u64 array, __u64 count)
{
	struct scratch *scratch = current_scratch();
	struct user_message_length *message;
	__u64 total = 0;

	if (!scratch)
		return 0;
	message = (struct user_message_length *)scratch->vectors;
	if (count > MESSAGES_MAX)
		count_network(SWPROF_NETWORK_SKIPPED);

	for (__u32 i = 0; i < MESSAGES_MAX; i++) {
		if (i >= count)
			break;
		if (bpf_probe_read_user(message, sizeof(*message), (void *)(array + i * sizeof(*message))))
			break;
		total += message->length;
	}
	return total;
}

__attribute__((noinline)) int add_call_time(struct connection *connection, __u32 direction, __u64 ns)
{
	struct scratch *scratch = current_scratch();
	struct swprof_call_key key = {};
	struct swprof_times *times;
	__u32 bucket;

	if (!connection || !scratch)
		return 0;
	key.tgid = connection->shared.tgid;
	key.direction = direction;
	key.peer = connection->shared.peer;
	bucket = time_bucket(ns);
	times = times_in(&call_times, &key, scratch);
	if (!times || !add_time(times->counts, bucket))
		count_network(SWPROF_NETWORK_CALL_TABLE_FULL);
	return 0;
}

static __always_inline void time_call(struct connection *connection, __u32 direction, __u64 now)
{
	struct call *call = current_call(0);
	__u64 ns;

	if (!call || !call->entered_ns)
		return;
	ns = now - call->entered_ns;
	call->entered_ns = 0;
	direction &= 1;
	__sync_fetch_and_add(&connection->shared.call_ns[direction], ns);
	if (ns > connection->shared.call_max_ns[direction])
		connection->shared.call_max_ns[direction] = ns;
	add_call_time(connection, direction, ns);
}

SEC("tp_btf/sys_enter")
int enter_call(__u64 *context)
{
	__u64 number = context[1];
	struct connection *connection;
	struct call *call;
	struct pt_regs *regs = (struct pt_regs *)context[0];
	struct sock *sk;

	if (!arch_is_io(number) || !is_target_current())
		return 0;
	call = current_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (call)
		call->entered_ns = bpf_ktime_get_ns();
	else
		count_network(SWPROF_NETWORK_THREAD_TABLE_FULL);
	/* The descriptor is gone when the call returns. */
	if (number == CALL_CLOSE && call) {
		sk = socket_of(arch_argument_1(regs));
		connection = sk ? connection_at((__u64)sk) : NULL;
		call->closing = connection ? (__u64)sk : 0;
	}
	return 0;
}

/* Notes how long closing took. A connection that ended within the call has no such time. */
static __always_inline void closed(__u64 now)
{
	struct call *call = current_call(0);
	struct connection *connection;

	if (!call || !call->closing)
		return;
	connection = connection_at(call->closing);
	call->closing = 0;
	if (connection)
		connection->shared.close_ns = now - call->entered_ns;
}

/* When connections were established that are not accepted yet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 12);
	__type(key, __u64);
	__type(value, __u64);
} established SEC(".maps");

static __always_inline void accepted(__u64 fd, __u64 now)
{
	struct sock *sk = socket_of(fd);
	__u64 address = (__u64)sk, *since;
	struct connection *connection;

	if (!sk)
		return;
	connection = current_connection(sk);
	if (!connection)
		return;
	connection->shared.fd = fd;
	since = bpf_map_lookup_elem(&established, &address);
	if (!since)
		return;
	connection->shared.established_ns = *since;
	connection->shared.accept_ns = now - *since;
	bpf_map_delete_elem(&established, &address);
}

/* Neither this nor end_tcp_call is inlined: their stack would add to that of the longest chain of calls. */
__attribute__((noinline)) int begin_tcp_call(struct connection *connection, struct scratch *scratch, __u64 bytes)
{
	struct tcp_sock *tcp;
	__u32 next;
	__s32 unseen;

	if (!connection || !scratch)
		return 0;
	tcp = (struct tcp_sock *)connection->shared.socket;
	next = BPF_CORE_READ(tcp, write_seq);
	if (scratch->direction == SWPROF_RECEIVED) {
		note_sending(connection, scratch, next);
		return 0;
	}
	/* Bytes that were sent in a way that no program sees. */
	unseen = next - bytes - connection->sequence[SWPROF_SENT];
	if (connection->has_sequence[SWPROF_SENT] && unseen > 0)
		pass_over(connection, scratch, unseen);
	note_sent(connection, next);
	return 0;
}

__attribute__((noinline)) int end_tcp_call(struct connection *connection)
{
	struct tcp_sock *tcp;

	if (!connection)
		return 0;
	tcp = (struct tcp_sock *)connection->shared.socket;
	note_unsent(connection, connection->sequence[SWPROF_SENT], BPF_CORE_READ(tcp, snd_nxt));
	return 0;
}

/* Handles the end of close and accept. Returns whether the call is one of them. */
static __always_inline bool leave_close_or_accept(__u64 number, __s64 result)
{
	if (number == CALL_CLOSE) {
		if (network.call_times)
			closed(bpf_ktime_get_ns());
		return true;
	}
	if (number != CALL_ACCEPT && number != CALL_ACCEPT4)
		return false;
	if (result >= 0)
		accepted(result, bpf_ktime_get_ns());
	return true;
}

/* The flags of a system call that receives; 0: it has none. */
static __always_inline __u64 receive_flags(struct pt_regs *regs, __u64 number)
{
	if (number == CALL_RECVFROM)
		return arch_argument_4(regs);
	return number == CALL_RECVMSG ? arch_argument_3(regs) : 0;
}

SEC("tp_btf/sys_exit")
int leave_call(__u64 *context)
{
	struct pt_regs *regs = (struct pt_regs *)context[0];
	__u64 number = arch_system_call(regs), fd = arch_argument_1(regs), flags, now, bytes;
	__s64 result = context[1];
	struct connection *connection;
	struct scratch *scratch;
	bool has_data, is_within;
	struct sock *sk;
	__u32 direction;

	if (!arch_is_io(number) || !is_target_current())
		return 0;
	if (leave_close_or_accept(number, result))
		return 0;
	has_data = number != CALL_CONNECT && result > 0;
	if (!has_data && !may_be_within_tls())
		return 0;
	if (number == CALL_SPLICE)
		fd = arch_argument_3(regs);
	sk = socket_of(fd);
	if (!sk)
		return 0;
	is_within = is_within_tls((__u64)sk);
	if (!has_data)
		return 0;
	connection = current_connection(sk);
	if (!connection)
		return 0;
	direction = is_sending(number) ? SWPROF_SENT : SWPROF_RECEIVED;
	connection->shared.fd = fd;
	now = bpf_ktime_get_ns();
	if (network.call_times)
		time_call(connection, direction, now);
	flags = receive_flags(regs, number);
	if (flags & MSG_PEEK)
		return 0;
	bytes = result;
	if (number == CALL_SENDMMSG || number == CALL_RECVMMSG)
		bytes = bytes_of_messages(arch_argument_2(regs), result);
	if (network.source != SWPROF_SOURCE_CALLS)
		return 0;
	account(connection, direction, bytes);
	if (is_within || is_encrypted(connection) || is_done(connection, direction))
		return 0;
	scratch = begin_look(direction, now);
	if (!scratch)
		return 0;
	if (is_tcp(&connection->shared))
		begin_tcp_call(connection, scratch, bytes);
	/* With MSG_TRUNC, TCP discards the bytes: they are in no buffer. */
	if (flags & MSG_TRUNC && is_tcp(&connection->shared))
		pass_over(connection, scratch, bytes);
	else
		read_call(connection, scratch, regs, number, 0, bytes);
	if (direction == SWPROF_SENT && is_tcp(&connection->shared))
		end_tcp_call(connection);
	return 0;
}

#endif
