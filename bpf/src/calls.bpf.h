/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls and data as the ends of system calls tell them, and how long those take. */
#ifndef SWPROF_CALLS_BPF_H
#define SWPROF_CALLS_BPF_H

#include "sockets.bpf.h"

/* How long the calls of a process on connections with each of its peers took, where that is measured. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 12);
	__type(key, struct swprof_call_key);
	__type(value, struct swprof_times);
} call_times SEC(".maps");

enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_CLOSE = 3,
	CALL_READV = 19,
	CALL_WRITEV = 20,
	CALL_SENDFILE = 40,
	CALL_CONNECT = 42,
	CALL_ACCEPT = 43,
	CALL_SENDTO = 44,
	CALL_RECVFROM = 45,
	CALL_SENDMSG = 46,
	CALL_RECVMSG = 47,
	CALL_SPLICE = 275,
	CALL_ACCEPT4 = 288,
	CALL_RECVMMSG = 299,
	CALL_SENDMMSG = 307,
};

static __always_inline bool is_io(__u64 number)
{
	const __u64 low = 1ULL << CALL_READ | 1ULL << CALL_WRITE | 1ULL << CALL_CLOSE | 1ULL << CALL_READV |
			  1ULL << CALL_WRITEV | 1ULL << CALL_SENDFILE | 1ULL << CALL_CONNECT | 1ULL << CALL_ACCEPT |
			  1ULL << CALL_SENDTO | 1ULL << CALL_RECVFROM | 1ULL << CALL_SENDMSG | 1ULL << CALL_RECVMSG;

	if (number < 64)
		return low >> number & 1;
	return number == CALL_SPLICE || number == CALL_ACCEPT4 || number == CALL_RECVMMSG || number == CALL_SENDMMSG;
}

/* The socket behind a descriptor of the current process; NULL where it is none. */
static __always_inline struct sock *socket_of(__u64 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = task->files->fdt;
	struct file *file = NULL;
	struct socket *socket;

	if (fd >= table->max_fds)
		return NULL;
	if (bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd) || !file)
		return NULL;
	if (HAS_CASTS) {
		file = CAST(struct file, file);
		if ((file->f_inode->i_mode & S_IFMT) != S_IFSOCK)
			return NULL;
		return CAST(struct socket, file->private_data)->sk;
	}
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline bool is_sending(__u64 number)
{
	return number == CALL_WRITE || number == CALL_WRITEV || number == CALL_SENDTO || number == CALL_SENDMSG ||
	       number == CALL_SENDMMSG || number == CALL_SENDFILE || number == CALL_SPLICE;
}

/* struct user_msghdr, as far as its vectors. */
struct user_message {
	__u64 name;
	__u64 name_size;
	__u64 vectors;
	__u64 count;
	__u64 rest[3];
};

/* struct mmsghdr */
struct user_message_length {
	struct user_message message;
	__u32 length;
	__u32 padding;
};

static __always_inline void read_call(struct connection *connection, struct payload *payload, struct pt_regs *regs,
				      __u64 number, __u64 result)
{
	/* Not on the stack: 6.1 refuses programs whose longest chain of calls takes more than 512 bytes in all. */
	struct user_message *message = (struct user_message *)payload->vectors;

	switch (number) {
	case CALL_RECVFROM:
		/* With MSG_TRUNC, the result is the length of the datagram, however much of it there was room for. */
		if (result > regs->dx)
			result = regs->dx;
		/* fallthrough */
	case CALL_READ:
	case CALL_WRITE:
	case CALL_SENDTO:
		read_memory(connection, payload, regs->si, result);
		break;
	case CALL_READV:
	case CALL_WRITEV:
		read_vectors(connection, payload, regs->si, VECTORS(regs->dx, 0, 0), result);
		break;
	case CALL_SENDMSG:
	case CALL_RECVMSG:
		if (!bpf_probe_read_user(message, sizeof(*message), (void *)regs->si))
			read_vectors(connection, payload, message->vectors, VECTORS(message->count, 0, 0), result);
		break;
	default:
		pass_over(connection, payload, result);
	}
}

/* The messages of sendmmsg and recvmmsg, of which only so many are looked at. */
static __always_inline __u64 bytes_of_messages(__u64 array, __u64 count)
{
	struct payload *payload = current_payload();
	struct user_message_length *message;
	__u64 total = 0;

	if (!payload)
		return 0;
	message = (struct user_message_length *)payload->vectors;

	for (__u32 i = 0; i < 64; i++) {
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
	struct payload *payload = current_payload();
	struct swprof_call_key key = {};
	struct swprof_times *times;
	struct entries *entries;
	__u32 bucket;

	if (!connection || !payload)
		return 0;
	key.tgid = connection->shared.tgid;
	key.direction = direction;
	key.peer = connection->shared.peer;
	bucket = time_bucket(ns);
	times = bpf_map_lookup_elem(&call_times, &key);
	entries = entries_of(payload);
	if (!times && entries) {
		clear(&entries->times, sizeof(entries->times));
		bpf_map_update_elem(&call_times, &key, &entries->times, BPF_NOEXIST);
		times = bpf_map_lookup_elem(&call_times, &key);
	}
	if (times)
		add_time(times->counts, bucket);
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

	if (!is_io(number) || !is_target_current())
		return 0;
	call = current_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (call)
		call->entered_ns = bpf_ktime_get_ns();
	/* The descriptor is none any more when the call returns. */
	if (number == CALL_CLOSE && call) {
		sk = socket_of(regs->di);
		connection = sk ? connection_at((__u64)sk) : NULL;
		call->closing = connection ? (__u64)sk : 0;
	}
	return 0;
}

/* Of a connection that ended within the call, it is not known how long that took. */
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

/* When connections were established that nobody has accepted yet. */
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

SEC("tp_btf/sys_exit")
int leave_call(__u64 *context)
{
	struct pt_regs *regs = (struct pt_regs *)context[0];
	__u64 number = regs->orig_ax, fd = regs->di, flags = 0, now, bytes;
	__s64 result = context[1];
	struct connection *connection;
	struct payload *payload;
	bool has_data, is_within;
	__u32 direction, source;
	struct sock *sk;

	if (!is_io(number) || !is_target_current())
		return 0;
	if (number == CALL_CLOSE) {
		if (network.call_times)
			closed(bpf_ktime_get_ns());
		return 0;
	}
	if (number == CALL_ACCEPT || number == CALL_ACCEPT4) {
		if (result >= 0)
			accepted(result, bpf_ktime_get_ns());
		return 0;
	}
	has_data = number != CALL_CONNECT && result > 0;
	if (!has_data && !may_be_within_tls())
		return 0;
	if (number == CALL_SPLICE)
		fd = regs->dx;
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
	if (number == CALL_RECVFROM)
		flags = regs->r10;
	else if (number == CALL_RECVMSG)
		flags = regs->dx;
	if (flags & MSG_PEEK)
		return 0;
	bytes = result;
	if (number == CALL_SENDMMSG || number == CALL_RECVMMSG)
		bytes = bytes_of_messages(regs->si, result);
	if (network.lengths == SWPROF_SOURCE_CALLS)
		account(connection, direction, bytes);
	source = direction == SWPROF_SENT ? network.sent : network.received;
	if (source != SWPROF_SOURCE_CALLS || is_encrypted(connection) || is_within ||
	    is_done(connection, direction))
		return 0;
	payload = begin_look(direction, now);
	if (!payload)
		return 0;
	/* TCP throws the bytes away then; they are in no buffer. */
	if (flags & MSG_TRUNC && is_tcp(&connection->shared))
		pass_over(connection, payload, bytes);
	else
		read_call(connection, payload, regs, number, bytes);
	return 0;
}

#endif
