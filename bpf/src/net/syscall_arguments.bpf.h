/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Syscall arguments: the socket of a system call, and the address of its data. */
#ifndef SWPROF_NET_SYSCALL_ARGUMENTS_BPF_H
#define SWPROF_NET_SYSCALL_ARGUMENTS_BPF_H

#include "arch/arch.h"
#include "flow.bpf.h"
#include "scratch.bpf.h"
#include "stream.bpf.h"
#include "vectors.bpf.h"

/* The file of a descriptor of a task; NULL: there is none. */
static __always_inline struct file *file_of(__u64 fd, struct task_struct *task)
{
	struct fdtable *table = task->files->fdt;
	struct file *file = NULL;

	if (fd >= table->max_fds)
		return NULL;
	/* Any struct that begins with a pointer will do. */
	if (HAS_CASTS)
		return (struct file *)CAST(struct llist_head, table->fd + fd)->first;
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return file;
}

/* The socket of a descriptor of the current process; NULL: it is not one of a socket. */
static __always_inline struct sock *socket_of(__u64 fd)
{
	struct file *file = file_of(fd, bpf_get_current_task_btf());
	struct socket *socket;

	if (!file)
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

/* struct user_msghdr, up to its vectors. */
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

/* Reads the data of a system call: `length` bytes, from `offset` on. */
static __always_inline void read_call(struct connection *connection, struct scratch *scratch, struct pt_regs *regs,
				      __u64 number, __u64 offset, __u64 length)
{
	/* Not on the stack: 6.1 allows a chain of calls 512 bytes in all. */
	struct user_message *message = (struct user_message *)scratch->vectors;

	switch (number) {
	case CALL_RECVFROM:
		/* With MSG_TRUNC, the result is the length of the datagram, which may exceed the buffer. */
		if (length > arch_argument_3(regs))
			length = arch_argument_3(regs);
		/* fallthrough */
	case CALL_READ:
	case CALL_WRITE:
	case CALL_SENDTO:
		read_memory(connection, scratch, arch_argument_2(regs) + offset, length);
		break;
	case CALL_READV:
	case CALL_WRITEV:
		read_vectors(connection, scratch, arch_argument_2(regs), VECTORS(arch_argument_3(regs), offset, 0),
			     length);
		break;
	case CALL_SENDMSG:
	case CALL_RECVMSG:
		if (!bpf_probe_read_user(message, sizeof(*message), (void *)arch_argument_2(regs)))
			read_vectors(connection, scratch, message->vectors, VECTORS(message->count, offset, 0), length);
		else
			miss_data(connection, scratch, length);
		break;
	default:
		pass_over(connection, scratch, length);
	}
}

static __always_inline bool is_readable(__u64 number, __u32 direction)
{
	if (direction == SWPROF_SENT)
		return number == CALL_WRITE || number == CALL_SENDTO || number == CALL_WRITEV ||
		       number == CALL_SENDMSG || number == CALL_SENDFILE || number == CALL_SPLICE;
	return number == CALL_READ || number == CALL_RECVFROM || number == CALL_READV || number == CALL_RECVMSG;
}

/* The offset of the registers of a system call from task_struct.stack; 0: not known yet. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} registers_offset SEC(".maps");

/* The registers with which the current task has entered the kernel. Their offset is the same for all tasks. */
static __always_inline struct pt_regs *registers_of(struct task_struct *task)
{
	__u32 zero = 0;
	__u64 *offset = bpf_map_lookup_elem(&registers_offset, &zero), stack = (__u64)task->stack;

	if (!offset)
		return NULL;
	if (!*offset)
		*offset = low_half((__u64)bpf_task_pt_regs(task)) - low_half(stack);
	return CAST(struct pt_regs, stack + *offset);
}

/*
 * The arguments of the system call in which the current task sends on a socket or receives from it. NULL if they do not
 * lead to the data: with io_uring, which makes no such call, and for calls with several messages.
 */
static __always_inline struct pt_regs *call_on(struct sock *sk, __u32 direction, struct task_struct *task)
{
	struct pt_regs *regs = registers_of(task);
	struct file *file;
	__u64 number;

	if (!regs)
		return NULL;
	number = arch_system_call(regs);
	/* The kernel sets this at the start of a call. After the call, the other registers are stale. */
	if ((__s64)arch_result(regs) != -ENOSYS || !is_readable(number, direction))
		return NULL;
	file = file_of(number == CALL_SPLICE ? arch_argument_3(regs) : arch_argument_1(regs), task);
	return file && file == sk->sk_socket->file ? regs : NULL;
}

#endif
