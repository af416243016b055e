// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Network profiling: connections of the targets, and the HTTP requests on them.
 *
 * One of two sources counts calls and leads to their data. Tracepoints of the socket layer are preferred: they see
 * every way to send and receive, and cost other system calls nothing. Kernels without them take the ends of system
 * calls. With both, the syscall arguments are still in the registers.
 */
#include "net/tls.bpf.h"
#include "net/sockets.bpf.h"
#include "net/syscalls.bpf.h"
#include "net/tcp_states.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- Which processes are targets, by the kernel's own numbers ---- */

SEC("tp_btf/sched_process_fork")
int process_fork(__u64 *context)
{
	struct task_struct *parent = (struct task_struct *)context[0];
	struct task_struct *child = (struct task_struct *)context[1];

	if (!is_ending() && follow_fork(parent, child))
		mark_target(child->tgid, true);
	return 0;
}

SEC("tp_btf/task_rename")
int process_rename(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];

	if (!is_ending() && follow_rename(task, (const char *)context[1]))
		mark_target(task->tgid, true);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int process_exec(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];

	if (follow_exec(task) && is_running())
		mark_target(task->tgid, true);
	announce_exec(task);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int process_exit(__u64 *context)
{
	struct task_struct *task = (struct task_struct *)context[0];

	follow_exit(task);
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
	mark_target(task->tgid, tgid && !is_ending() && bpf_map_lookup_elem(&targets, &tgid));
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

/* Finds the process of each flow, of all processes on the host. */
SEC("iter/task_file")
int find_owners(struct bpf_iter__task_file *context)
{
	struct sock *sk = socket_of_file(context);
	struct task_struct *task = context->task;
	struct swprof_owner owner = {};
	struct swprof_flow flow = {};

	if (!sk || !task || !is_ip(sk->__sk_common.skc_family))
		return 0;
	note_owner(&owner, task);
	/* The first process that is found has passed the socket on to the others. */
	if (remote_port(sk)) {
		fill_flow(&flow, sk);
		note_flow(&flow, &owner, BPF_NOEXIST);
	} else if (sk->__sk_common.skc_num) {
		note_listener(sk, &owner, BPF_NOEXIST);
	}
	return 0;
}

static __always_inline bool is_ring(struct file *file)
{
	const char expected[] = "[io_uring]";
	char name[sizeof(expected)] = {};

	bpf_probe_read_kernel(name, sizeof(name), file->f_path.dentry->d_name.name);
	for (__u32 i = 0; i < sizeof(expected); i++) {
		if (name[i] != expected[i])
			return false;
	}
	return true;
}

/* Finds the connections that the targets have when the capture begins, and whether a target uses io_uring. */
SEC("iter/task_file")
int find_connections(struct bpf_iter__task_file *context)
{
	struct file *file = context->file;
	struct sock *sk = socket_of_file(context);
	struct task_struct *task = context->task;
	struct connection *connection;
	__u64 address = (__u64)sk;
	__u16 family, type;
	__u32 tgid;

	if (!file || !task)
		return 0;
	if (config.scope != SWPROF_SCOPE_ALL && !is_marked(task->tgid))
		return 0;
	tgid = tgid_in_namespace(task);
	if (!tgid || tgid == network.self)
		return 0;
	if (!sk) {
		if (is_ring(file))
			need(SWPROF_NEED_SENDING | SWPROF_NEED_PACKETS);
		return 0;
	}
	family = sk->__sk_common.skc_family;
	type = sk->sk_type;
	/* Listeners have no other end, nor have unix sockets without a peer. */
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

/* Notes the connections that last when the capture ends. */
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
	if (is_tcp(&connection->shared)) {
		read_tcp(sk, &connection->shared.tcp);
		end_hold(connection, sk, bpf_ktime_get_ns());
	}
	return 0;
}

static long end_survivor(struct bpf_map *map, const void *key, struct connection *connection, void *context)
{
	if (!connection->shared.socket)
		return 0;
	if (connection->shared.flags & SWPROF_CONNECTION_SEEN)
		note_answer(connection, current_scratch());
	else
		end_streams(connection, current_scratch());
	return 0;
}

/*
 * Ends the answers of connections that no process has open any more: only TCP has a tracepoint for the end of a socket.
 * The answers of the other connections go on.
 */
SEC("iter/task")
int end_survivors(struct bpf_iter__task *context)
{
	/* Once, behind the last task. */
	if (context->task)
		return 0;
	bpf_for_each_map_elem(&near_connections, end_survivor, NULL, 0);
	bpf_for_each_map_elem(&connections, end_survivor, NULL, 0);
	return 0;
}
