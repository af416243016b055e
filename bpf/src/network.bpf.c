// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Network profiling: connections of the targets, and the HTTP requests on them.
 *
 * Calls are counted, and their data is read, through one of two sources. Where the kernel has tracepoints in its socket
 * layer, those: they see every way to send and receive, and cost other system calls nothing. Else the ends of system
 * calls, whose arguments are still in the registers then. Each direction's data has a source of its own: a kernel may
 * tell what is received before it tells what is sent.
 */
#include "requests.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The call of a TLS library that a thread is in. */
struct tls_call {
	__u64 connection; /* the library's own, an address */
	__u64 buffer;
	__u64 size; /* where the size of what was read or written goes; 0: it is returned */
	__u64 socket; /* what a socket call within it has used; 0: none yet */
};

struct call {
	struct tls_call tls;
	__u64 entered_ns; /* the system call, where call times are measured */
	__u64 closing; /* the socket that it closes; 0: none */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct tls_key {
	__u64 connection;
	__u64 tgid;
};

/* The sockets of TLS connections, once a call has told. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct tls_key);
	__type(value, __u64);
} tls_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 12);
	__type(key, __u32); /* enum skb_drop_reason */
	__type(value, __u64);
} drops SEC(".maps");

/* How long the calls of a process on connections with each of its peers took, where that is measured. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 12);
	__type(key, struct swprof_call_key);
	__type(value, struct swprof_times);
} call_times SEC(".maps");

static __always_inline struct call *current_call(__u64 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();

	return bpf_task_storage_get(&calls, task, 0, flags);
}

/* Notes which socket the TLS call of this thread uses. Returns whether there is such a call. */
static __always_inline bool is_within_tls(__u64 socket)
{
	struct call *call;

	if (!network.reads_tls)
		return false;
	call = current_call(0);
	if (!call || !call->tls.connection)
		return false;
	call->tls.socket = socket;
	return true;
}

static __always_inline struct payload *begin_look(__u32 direction, __u64 now)
{
	struct payload *payload = current_payload();

	if (payload) {
		payload->direction = direction;
		payload->now = now;
	}
	return payload;
}

static __always_inline bool is_encrypted(struct connection *connection)
{
	return connection->shared.flags & SWPROF_CONNECTION_TLS;
}

/* An array of vectors: its length, the offset in the first one, and whether it lies in the kernel's memory. */
#define VECTORS(count, offset, is_kernel) ((__u64)(count) << 32 | (offset) << 1 | (is_kernel))
#define VECTOR_OFFSET_MAX (1U << 31)

/* Reads the vectors of a call. */
__attribute__((noinline)) int read_vectors(struct connection *connection, struct payload *payload, __u64 vectors,
					   __u64 shape, __u64 total)
{
	__u64 size, offset = (__u32)shape >> 1, left = total;
	__u32 count = shape >> 32, is_kernel = shape & 1;
	struct iovec vector = {};

	if (!connection || !payload)
		return 0;
	for (__u32 i = 0; i < VECTORS_MAX; i++) {
		if (i >= count || !left)
			break;
		if (is_kernel ? bpf_probe_read_kernel(&vector, sizeof(vector), (void *)(vectors + i * 16))
				    : bpf_probe_read_user(&vector, sizeof(vector), (void *)(vectors + i * 16)))
			break;
		size = vector.iov_len;
		if (size < offset)
			break;
		size -= offset;
		if (size > left)
			size = left;
		read_memory(connection, payload, (__u64)vector.iov_base + offset, size);
		left -= size;
		offset = 0;
	}
	if (left)
		pass_over(connection, payload, left);
	return 0;
}

/* ---- Sockets: what the socket layer tells ---- */

SEC("tp_btf/sock_send_length")
int send_length(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	__s32 result = context[1];
	struct connection *connection;
	struct outgoing *outgoing;
	struct payload *payload;
	__u16 family;

	if (!is_target_current())
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != AF_UNIX && !is_ip(family))
		return 0;
	connection = current_connection(sk);
	if (!connection)
		return 0;
	outgoing = &connection->outgoing;
	if (result > 0)
		account(connection, SWPROF_SENT, result);
	if (network.sent != SWPROF_SOURCE_SOCKETS) {
		is_within_tls((__u64)sk);
		return 0;
	}
	if (is_within_tls((__u64)sk) || is_encrypted(connection) || result <= 0 ||
	    is_done(connection, SWPROF_SENT)) {
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
		outgoing->base = (__u64)BPF_CORE_READ(message, msg_iter.ubuf);
	} else if (kind == bpf_core_enum_value(enum iter_type, ITER_IOVEC)) {
		outgoing->kind = SWPROF_ITERATOR_VECTORS;
		outgoing->base = (__u64)BPF_CORE_READ(message, msg_iter.__iov);
	}
	outgoing->offset = BPF_CORE_READ(message, msg_iter.iov_offset);
	outgoing->segments = BPF_CORE_READ(message, msg_iter.nr_segs);
	outgoing->started_ns = bpf_ktime_get_ns();
	outgoing->is_known = 1;
	return 0;
}

/* Bytes that a reader throws away (MSG_TRUNC) are copied from no packet; TCP's number of the next one counts them. */
static __always_inline void pass_over_discarded(struct connection *connection, struct sock *sk)
{
	__u32 position = BPF_CORE_READ((struct tcp_sock *)sk, copied_seq);
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
	int verdict;

	payload->position = 0;
	payload->length = length;
	payload->offset = offset;
	for (int i = 0; i < PIECES_MAX; i++) {
		size = next_piece(connection, payload);
		if (!size)
			break;
		size = BOUNDED(size, HTTP_CHUNK_SIZE);
		if (bpf_dynptr_read(payload->chunk.bytes, size, packet, payload->offset + payload->position, 0)) {
			miss_piece(connection, payload);
			break;
		}
		verdict = look_at_piece(connection, payload);
		if (!verdict)
			break;
		size = BOUNDED(payload->wanted, SWPROF_PAYLOAD_MAX);
		if (verdict == LOOK_AND_SEND &&
		    !bpf_dynptr_read(payload->beginning.bytes, size, packet, payload->offset, 0))
			send_beginning(connection, payload);
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
	__u32 start, position, seen;
	__s32 ahead;

	bpf_core_read(&start, sizeof(start), &((struct tcp_skb_cb *)packet->cb)->seq);
	position = BPF_CORE_READ((struct tcp_sock *)sk, copied_seq);
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
		bpf_core_read(&offset, sizeof(offset), &((struct unix_skb_parms *)packet->cb)->consumed);
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
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
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

/* ---- System calls ---- */

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
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = NULL;
	struct socket *socket;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	files = BPF_CORE_READ(table, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return NULL;
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
	struct user_message message = {};

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
		if (!bpf_probe_read_user(&message, sizeof(message), (void *)regs->si))
			read_vectors(connection, payload, message.vectors, VECTORS(message.count, 0, 0), result);
		break;
	default:
		pass_over(connection, payload, result);
	}
}

/* The messages of sendmmsg and recvmmsg, of which only so many are looked at. */
static __always_inline __u64 bytes_of_messages(__u64 array, __u64 count)
{
	struct user_message_length message = {};
	__u64 total = 0;

	for (__u32 i = 0; i < 64; i++) {
		if (i >= count)
			break;
		if (bpf_probe_read_user(&message, sizeof(message), (void *)(array + i * sizeof(message))))
			break;
		total += message.length;
	}
	return total;
}

__attribute__((noinline)) int add_call_time(struct connection *connection, __u32 direction, __u64 ns)
{
	struct payload *payload = current_payload();
	struct swprof_call_key key = {};
	struct swprof_times *times;
	__u32 bucket;

	if (!connection || !payload)
		return 0;
	key.tgid = connection->shared.tgid;
	key.direction = direction;
	key.peer = connection->shared.peer;
	bucket = time_bucket(ns);
	times = bpf_map_lookup_elem(&call_times, &key);
	if (!times) {
		clear(&payload->times, sizeof(payload->times));
		bpf_map_update_elem(&call_times, &key, &payload->times, BPF_NOEXIST);
		times = bpf_map_lookup_elem(&call_times, &key);
	}
	if (times && bucket < SWPROF_TIME_BUCKETS)
		__sync_fetch_and_add(&times->counts[bucket], 1);
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
	__u32 direction, source;
	struct sock *sk;

	if (!is_io(number) || !is_target_current())
		return 0;
	now = bpf_ktime_get_ns();
	if (number == CALL_CLOSE) {
		if (network.call_times)
			closed(now);
		return 0;
	}
	if (number == CALL_ACCEPT || number == CALL_ACCEPT4) {
		if (result >= 0)
			accepted(result, now);
		return 0;
	}
	if (number == CALL_SPLICE)
		fd = regs->dx;
	sk = socket_of(fd);
	if (!sk)
		return 0;
	is_within_tls((__u64)sk);
	if (number == CALL_CONNECT || result <= 0)
		return 0;
	connection = current_connection(sk);
	if (!connection)
		return 0;
	direction = is_sending(number) ? SWPROF_SENT : SWPROF_RECEIVED;
	connection->shared.fd = fd;
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
	if (source != SWPROF_SOURCE_CALLS || is_encrypted(connection) || is_within_tls((__u64)sk) ||
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

/* ---- TLS libraries ---- */

static __always_inline int enter_tls(struct swprof_user_regs *regs, bool has_size)
{
	struct call *call;

	if (!is_target_current())
		return 0;
	call = current_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call)
		return 0;
	call->tls.connection = regs->di;
	call->tls.buffer = regs->si;
	call->tls.size = has_size ? regs->cx : 0;
	call->tls.socket = 0;
	return 0;
}

static __always_inline int leave_tls(struct swprof_user_regs *regs, __u32 direction)
{
	struct call *call = current_call(0);
	struct tls_key key = {.tgid = bpf_get_current_pid_tgid() >> 32};
	__s32 result = regs->ax;
	__u64 *known, socket, size = 0;
	struct connection *connection;
	struct payload *payload;

	if (!call || !call->tls.connection || is_over())
		return 0;
	key.connection = call->tls.connection;
	call->tls.connection = 0;
	socket = call->tls.socket;
	if (socket) {
		bpf_map_update_elem(&tls_sockets, &key, &socket, BPF_ANY);
	} else {
		known = bpf_map_lookup_elem(&tls_sockets, &key);
		socket = known ? *known : 0;
	}
	if (result <= 0)
		return 0;
	if (!call->tls.size)
		size = result;
	else if (bpf_probe_read_user(&size, sizeof(size), (void *)call->tls.size))
		return 0;
	connection = socket ? connection_at(socket) : NULL;
	if (!connection) {
		count_network(SWPROF_NETWORK_TLS_UNBOUND);
		return 0;
	}
	if (!is_encrypted(connection)) {
		connection->shared.flags |= SWPROF_CONNECTION_TLS;
		connection->decision = HTTP_UNDECIDED;
		connection->attempts = 0;
	}
	payload = payload_at(PAYLOAD_LIBRARY);
	if (!payload)
		return 0;
	/* Another task is in the middle of its own look. */
	if (__sync_lock_test_and_set(&payload->is_taken, 1)) {
		count_network(SWPROF_NETWORK_UNREADABLE);
		http_seek(&connection->streams[direction & 1]);
		return 0;
	}
	payload->direction = direction;
	payload->now = bpf_ktime_get_ns();
	read_memory(connection, payload, call->tls.buffer, size);
	payload->is_taken = 0;
	return 0;
}

SEC("uprobe")
int enter_tls_read(struct swprof_user_regs *regs)
{
	return enter_tls(regs, false);
}

SEC("uprobe")
int enter_tls_read_ex(struct swprof_user_regs *regs)
{
	return enter_tls(regs, true);
}

SEC("uretprobe")
int leave_tls_read(struct swprof_user_regs *regs)
{
	return leave_tls(regs, SWPROF_RECEIVED);
}

SEC("uretprobe")
int leave_tls_write(struct swprof_user_regs *regs)
{
	return leave_tls(regs, SWPROF_SENT);
}

/* ---- The life of a TCP connection; much of it runs in interrupts ---- */

static __always_inline void begin_connecting(struct sock *sk)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 address = (__u64)sk;
	struct swprof_owner owner = {};

	note_owner(&owner, task);
	bpf_map_update_elem(&connecting, &address, &owner, BPF_ANY);
	if (is_target_current())
		create_connection(sk, task, SWPROF_CONNECTION_CLIENT);
}

static __always_inline void end_connecting(struct sock *sk, bool is_established)
{
	__u64 address = (__u64)sk, now = bpf_ktime_get_ns();
	struct swprof_owner *owner = bpf_map_lookup_elem(&connecting, &address);
	struct connection *connection = connection_at(address);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct swprof_ends ends = {};

	if (owner && is_established) {
		ends.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
		ends.remote_port = remote_port(sk);
		read_addresses(sk, family, ends.local, ends.remote);
		bpf_map_update_elem(&owners, &ends, owner, BPF_ANY);
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
}

SEC("tp_btf/inet_sock_set_state")
int change_state(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	int old = context[1], new = context[2];
	__u64 address = (__u64)sk, now;
	struct listener listener = {};
	struct connection *stale;
	struct swprof_owner owner = {};

	if (is_over())
		return 0;
	if (new == TCP_SYN_SENT || (old == TCP_SYN_RECV && new == TCP_ESTABLISHED)) {
		/* One whose end was not seen: programs are not run within themselves. */
		stale = connection_at(address);
		if (stale)
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
		listener.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
		listener.port = BPF_CORE_READ(sk, __sk_common.skc_num);
		note_owner(&owner, (struct task_struct *)bpf_get_current_task());
		bpf_map_update_elem(&listeners, &listener, &owner, BPF_ANY);
	}
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int destroy_socket(__u64 *context)
{
	struct sock *sk = (struct sock *)context[0];
	__u64 address = (__u64)sk;
	struct connection *connection = connection_at(address);

	/* User space reads the table then. */
	if (!connection || is_over())
		return 0;
	read_tcp(sk, &connection->shared.tcp);
	end_streams(connection);
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

/* The form that kfree_skb has since 6.11, with the socket that should have had the packet. */
typedef void (*btf_trace_kfree_skb___with_socket)(void *, struct sk_buff *, void *, enum skb_drop_reason, struct sock *);

SEC("tp_btf/kfree_skb")
int drop_packet(__u64 *context)
{
	struct sk_buff *packet = (struct sk_buff *)context[0];
	__u32 reason = context[2];
	struct connection *connection;
	__u64 first = 1, *count, sk;

	/* Two of the reasons are none, and one is not told. */
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

/* ---- Which processes are targets, by the kernel's own numbers ---- */

SEC("tp_btf/sched_process_fork")
int inherit_mark(__u64 *context)
{
	struct task_struct *parent = (struct task_struct *)context[0];
	struct task_struct *child = (struct task_struct *)context[1];

	if (config.follow_children && child->pid == child->tgid && is_marked(parent->tgid))
		mark_target(child->tgid, true);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int mark_by_name(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];
	char comm[SWPROF_COMM_SIZE] = {};

	if (!config.comm[0])
		return 0;
	bpf_get_current_comm(comm, sizeof(comm));
	for (int i = 0; i < SWPROF_COMM_SIZE; i++) {
		if (comm[i] != config.comm[i])
			return 0;
		if (!comm[i])
			break;
	}
	mark_target(task->tgid, true);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int drop_mark(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];

	if (task->signal->live.counter == 0)
		mark_target(task->tgid, false);
	return 0;
}

SEC("iter/task")
int mark_targets(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	__u32 tgid;

	if (!task || task->pid != task->tgid)
		return 0;
	tgid = tgid_in_namespace(task);
	mark_target(task->tgid, tgid && bpf_map_lookup_elem(&targets, &tgid));
	return 0;
}

/* ---- Connections that are older than the capture, and those that outlast it ---- */

static __always_inline struct sock *socket_of_file(struct bpf_iter__task_file *context)
{
	struct file *file = context->file;
	struct socket *socket;

	if (!file)
		return NULL;
	socket = bpf_sock_from_file(file);
	return socket ? socket->sk : NULL;
}

/* Who has which end, of all processes. */
SEC("iter/task_file")
int find_owners(struct bpf_iter__task_file *context)
{
	struct sock *sk = socket_of_file(context);
	struct task_struct *task = context->task;
	struct listener listener = {};
	struct swprof_owner owner = {};
	struct swprof_ends ends = {};
	__u16 family;

	if (!sk || !task)
		return 0;
	family = sk->__sk_common.skc_family;
	if (!is_ip(family))
		return 0;
	note_owner(&owner, task);
	ends.local_port = sk->__sk_common.skc_num;
	ends.remote_port = remote_port(sk);
	if (!ends.remote_port) {
		listener.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
		listener.port = ends.local_port;
		/* The first one is the process that others have it from. */
		if (ends.local_port)
			bpf_map_update_elem(&listeners, &listener, &owner, BPF_NOEXIST);
		return 0;
	}
	read_addresses(sk, family, ends.local, ends.remote);
	bpf_map_update_elem(&owners, &ends, &owner, BPF_NOEXIST);
	return 0;
}

/* The connections that the targets have when the capture begins. */
SEC("iter/task_file")
int find_connections(struct bpf_iter__task_file *context)
{
	struct sock *sk = socket_of_file(context);
	struct task_struct *task = context->task;
	struct connection *connection;
	__u64 address = (__u64)sk;
	__u16 family, type;

	if (!sk || !task || (__u32)task->tgid == network.self)
		return 0;
	if (config.scope != SWPROF_SCOPE_ALL && !is_marked(task->tgid))
		return 0;
	family = sk->__sk_common.skc_family;
	type = sk->sk_type;
	/* Listeners have nobody at their other end, nor have unix sockets without a peer. */
	if (is_ip(family) && type == SOCK_STREAM && sk->__sk_common.skc_state == TCP_LISTEN)
		return 0;
	if (family == AF_UNIX && !BPF_CORE_READ((struct unix_sock *)sk, peer))
		return 0;
	connection = connection_at(address);
	if (!connection && create_connection(sk, task, SWPROF_CONNECTION_SEEDED))
		connection = connection_at(address);
	if (connection && connection->shared.fd < 0)
		connection->shared.fd = context->fd;
	return 0;
}

/* What has not ended when the capture does. */
SEC("iter/task_file")
int find_survivors(struct bpf_iter__task_file *context)
{
	struct sock *sk = socket_of_file(context);
	struct connection *connection;

	if (!sk)
		return 0;
	connection = connection_at((__u64)sk);
	if (!connection || connection->shared.flags & SWPROF_CONNECTION_SEEN)
		return 0;
	if (connection->shared.inode && connection->shared.inode != socket_inode(sk))
		return 0;
	connection->shared.flags |= SWPROF_CONNECTION_SEEN;
	if (connection->shared.fd < 0)
		connection->shared.fd = context->fd;
	if (is_tcp(&connection->shared))
		read_tcp(sk, &connection->shared.tcp);
	return 0;
}
