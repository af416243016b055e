/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls of TLS libraries: the socket that a call uses, and the plain text that it reads or writes. */
#ifndef SWPROF_NET_TLS_BPF_H
#define SWPROF_NET_TLS_BPF_H

#include "arch/arch.h"
#include "connections.bpf.h"
#include "scratch.bpf.h"
#include "stream.bpf.h"
#include "target_bits.bpf.h"
#include "tcp_times.bpf.h"

/* The call of a TLS library that a thread is in. */
struct tls_call {
	__u64 connection; /* the address of the library's own object */
	__u64 buffer;
	__u64 size; /* the address where the call stores how much it read or wrote; 0: it returns that */
	__u64 socket; /* the socket of a system call within it; 0: none yet */
	__u64 direction; /* SWPROF_RECEIVED or SWPROF_SENT */
};

struct call {
	struct tls_call tls;
	__u64 entered_ns; /* when the thread entered the system call, if call times are measured */
	__u64 closing; /* the socket that the system call closes; 0: none */
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

/* The sockets of TLS connections, from the first system call within a TLS call on. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct tls_key);
	__type(value, __u64);
} tls_sockets SEC(".maps");

/* Calls without a socket, by process. Libraries with memory BIOs encrypt, and leave the sending to the program. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 12);
	__type(key, __u32); /* tgid as the caller's pid namespace numbers it */
	__type(value, __u64);
} tls_unbound SEC(".maps");

/* Not inlined: its stack would add to that of the longest chain of calls. */
__attribute__((noinline)) int count_unbound(void)
{
	__u32 tgid = tgid_in_namespace((struct task_struct *)bpf_get_current_task());
	__u64 one = 1, *known = bpf_map_lookup_elem(&tls_unbound, &tgid);

	count_network(SWPROF_NETWORK_TLS_UNBOUND);
	if (known)
		__sync_fetch_and_add(known, 1);
	else
		bpf_map_update_elem(&tls_unbound, &tgid, &one, BPF_NOEXIST);
	return 0;
}

/* Reports to user space at once that the current process runs another program. */
static __always_inline void announce_exec(struct task_struct *task)
{
	struct swprof_exec record = {.record = SWPROF_RECORD_EXEC};

	if (!network.reads_tls || network.server_only || !is_target_current())
		return;
	record.tgid = tgid_in_namespace(task);
	if (record.tgid && bpf_ringbuf_output(&network_records, &record, sizeof(record), BPF_RB_FORCE_WAKEUP))
		count_network(SWPROF_NETWORK_EXEC_LOST);
}

static __always_inline struct call *current_call(__u64 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();

	return bpf_task_storage_get(&calls, task, 0, flags);
}

static __always_inline bool may_be_within_tls(void)
{
	__u32 zero = 0, *is_used = bpf_map_lookup_elem(&tls_is_used, &zero);

	return network.reads_tls && is_used && *is_used;
}

/* Notes the socket of the TLS call of this thread. Returns whether it is in such a call. */
static __always_inline bool is_within_tls(__u64 socket)
{
	struct call *call;

	if (!may_be_within_tls())
		return false;
	call = current_call(0);
	if (!call || !call->tls.connection)
		return false;
	call->tls.socket = socket;
	return true;
}

static __always_inline int enter_tls(struct swprof_user_regs *regs, __u32 direction, bool has_size)
{
	__u32 zero = 0, *is_used;
	struct call *call;

	if (!is_target_current()) {
		count_network(SWPROF_NETWORK_TLS_BYSTANDERS);
		return 0;
	}
	is_used = bpf_map_lookup_elem(&tls_is_used, &zero);
	call = current_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call || !is_used) {
		count_network(SWPROF_NETWORK_THREAD_TABLE_FULL);
		return 0;
	}
	*is_used = 1;
	call->tls.connection = arch_argument_1(regs);
	call->tls.buffer = arch_argument_2(regs);
	call->tls.size = has_size ? arch_function_argument_4(regs) : 0;
	call->tls.socket = 0;
	call->tls.direction = direction;
	return 0;
}

SEC("uprobe")
int enter_tls_read(struct swprof_user_regs *regs)
{
	return enter_tls(regs, SWPROF_RECEIVED, false);
}

SEC("uprobe")
int enter_tls_read_ex(struct swprof_user_regs *regs)
{
	return enter_tls(regs, SWPROF_RECEIVED, true);
}

SEC("uprobe")
int enter_tls_write(struct swprof_user_regs *regs)
{
	return enter_tls(regs, SWPROF_SENT, false);
}

SEC("uprobe")
int enter_tls_write_ex(struct swprof_user_regs *regs)
{
	return enter_tls(regs, SWPROF_SENT, true);
}

/* The socket of the TLS call that ends, or of an earlier call on its connection; 0: unknown. */
static __always_inline __u64 socket_of_tls(struct call *call)
{
	struct tls_key key = {.tgid = bpf_get_current_pid_tgid() >> 32};
	__u64 *known, socket = call->tls.socket;

	key.connection = call->tls.connection;
	if (socket) {
		bpf_map_update_elem(&tls_sockets, &key, &socket, BPF_ANY);
		return socket;
	}
	known = bpf_map_lookup_elem(&tls_sockets, &key);
	return known ? *known : 0;
}

/* The first TLS call on a connection. From now on, the plain text decides the protocol. */
static __always_inline void begin_encrypted(struct connection *connection)
{
	connection->shared.flags |= SWPROF_CONNECTION_TLS;
	connection->protocol = PROTOCOL_UNDECIDED;
	connection->attempts = 0;
	for (__u32 i = 0; i < 2; i++) {
		connection->has_prefix[i] = 0;
		connection->shared.prefix_size[i] = 0;
		connection->shared.prefix_bytes[i] = 0;
	}
}

SEC("uretprobe")
int leave_tls(struct swprof_user_regs *regs)
{
	struct call *call = current_call(0);
	__s32 result = arch_result(regs);
	__u64 socket, size = 0;
	bool is_readable = true;
	struct connection *connection;
	struct scratch *scratch;
	__u32 direction;

	if (!call || !call->tls.connection || is_ending())
		return 0;
	direction = call->tls.direction & 1;
	socket = socket_of_tls(call);
	call->tls.connection = 0;
	if (result <= 0)
		return 0;
	if (!call->tls.size)
		size = result;
	else if (bpf_probe_read_user(&size, sizeof(size), (void *)call->tls.size))
		is_readable = false;
	connection = socket ? connection_at(socket) : NULL;
	if (!connection) {
		count_unbound();
		return 0;
	}
	if (!is_encrypted(connection))
		begin_encrypted(connection);
	scratch = scratch_at(SCRATCH_LIBRARY);
	if (!scratch)
		return 0;
	/* Another task on this CPU uses the scratch buffer. */
	if (__sync_lock_test_and_set(&scratch->is_taken, 1)) {
		count_network(SWPROF_NETWORK_UNREADABLE);
		connection->missed[direction] += size;
		return 0;
	}
	scratch->direction = direction;
	scratch->now = bpf_ktime_get_ns();
	scratch->chunks_left = CALL_CHUNKS_MAX;
	if (connection->missed[direction]) {
		pass_over(connection, scratch, connection->missed[direction]);
		connection->missed[direction] = 0;
	}
	if (is_readable) {
		read_memory(connection, scratch, call->tls.buffer, size);
	} else {
		/* The number of bytes is unknown. */
		count_network(SWPROF_NETWORK_UNREADABLE);
		give_up_stream(connection, scratch);
	}
	scratch->is_taken = 0;
	if (direction == SWPROF_SENT && is_tcp(&connection->shared))
		note_unsent(connection, BPF_CORE_READ((struct tcp_sock *)socket, write_seq),
			    BPF_CORE_READ((struct tcp_sock *)socket, snd_nxt));
	return 0;
}

#endif
