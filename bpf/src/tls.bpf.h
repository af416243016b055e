/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TLS libraries: which socket a call of theirs uses, and what it reads or writes in plain text. */
#ifndef SWPROF_TLS_BPF_H
#define SWPROF_TLS_BPF_H

#include "pieces.bpf.h"

/* The call of a TLS library that a thread is in. */
struct tls_call {
	__u64 connection; /* the library's own, an address */
	__u64 buffer;
	__u64 size; /* where the size of what was read or written goes; 0: it is returned */
	__u64 socket; /* what a socket call within it has used; 0: none yet */
	__u64 direction; /* SWPROF_RECEIVED or SWPROF_SENT */
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

/* Notes which socket the TLS call of this thread uses. Returns whether there is such a call. */
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

	if (!is_target_current())
		return 0;
	is_used = bpf_map_lookup_elem(&tls_is_used, &zero);
	call = current_call(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call || !is_used)
		return 0;
	*is_used = 1;
	call->tls.connection = regs->di;
	call->tls.buffer = regs->si;
	call->tls.size = has_size ? regs->cx : 0;
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

SEC("uretprobe")
int leave_tls(struct swprof_user_regs *regs)
{
	struct call *call = current_call(0);
	struct tls_key key = {.tgid = bpf_get_current_pid_tgid() >> 32};
	__s32 result = regs->ax;
	__u64 *known, socket, size = 0;
	struct connection *connection;
	struct payload *payload;
	__u32 direction;

	if (!call || !call->tls.connection || is_ending())
		return 0;
	key.connection = call->tls.connection;
	direction = call->tls.direction & 1;
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
		http_seek(&connection->streams[direction]);
		return 0;
	}
	payload->direction = direction;
	payload->now = bpf_ktime_get_ns();
	read_memory(connection, payload, call->tls.buffer, size);
	payload->is_taken = 0;
	return 0;
}

#endif
