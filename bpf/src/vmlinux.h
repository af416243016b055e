/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel types that our programs touch, and of them only the fields that are read; CO-RE finds the rest. */
#ifndef SWPROF_VMLINUX_H
#define SWPROF_VMLINUX_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_CGROUP_ARRAY = 8,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

#define BPF_F_NO_PREALLOC (1U << 0)

#define BPF_F_MMAPABLE (1U << 10)

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

enum {
	BPF_RB_AVAIL_DATA = 0,
};

#define BPF_LOCAL_STORAGE_GET_F_CREATE (1ULL << 0)

/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010 /* since 5.12 */
#define PF_USER_WORKER 0x00004000 /* since 6.4 */
#define PF_KTHREAD 0x00200000
#define TASK_INTERRUPTIBLE 0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_STOPPED 0x0004
#define TASK_TRACED 0x0008
#define TASK_PARKED 0x0040
#define TASK_DEAD 0x0080
#define TASK_NOLOAD 0x0400
/* All that a task which does not run can be in; the bits above are flags. */
#define TASK_STATES 0x00ff

#define SIGSTOP 19

#define EFAULT 14
#define EEXIST 17
#define ENOSYS 38

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

/* A maple tree; its nodes are looked into by track/mappings.bpf.h. */
struct maple_metadata {
	unsigned char end;
};

struct maple_range_64 {
	unsigned long pivot[15];
	void *slot[16];
	struct maple_metadata meta;
};

struct maple_arange_64 {
	unsigned long pivot[9];
	void *slot[10];
	struct maple_metadata meta;
};

struct maple_node {
	void *parent;
	struct maple_range_64 mr64;
	struct maple_arange_64 ma64;
};

struct maple_tree {
	void *ma_root;
};

typedef struct {
	void *vdso;
} mm_context_t;

struct mm_struct {
	struct maple_tree mm_mt; /* since 6.1 */
	unsigned long end_code;
	unsigned long task_size; /* 4 GiB at most for a 32-bit process */
	mm_context_t context;
};

struct thread_info {
	__u32 status; /* TS_COMPAT: within a 32-bit system call */
};

#define VM_EXEC 0x00000004

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct file *vm_file;
};

/* Empty without CONFIG_SCHED_INFO. */
struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_arrival;
	unsigned long long last_queued;
};

/* A run queue. */
struct rq {
	__u64 clock;
	__u64 clock_pelt;
	unsigned long lost_idle_time;
};

/* The part of a control group in a run queue, or the rest of it. */
struct cfs_rq {
	struct rq *rq; /* with CONFIG_FAIR_GROUP_SCHED; the rest with CONFIG_CFS_BANDWIDTH */
	__u64 throttled_clock_pelt;
	__u64 throttled_clock_pelt_time; /* since 5.19 */
	__u64 throttled_clock_self;
	__u64 throttled_clock_self_time; /* since 6.6 */
	int throttle_count; /* of the group and those that it lies in */
};

struct sched_entity {
	struct cfs_rq *cfs_rq; /* with CONFIG_FAIR_GROUP_SCHED: of the task's CPU, whatever its scheduling class */
};

struct thread_struct {
	unsigned long sp;
	unsigned long fsbase; /* x86 */
};

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

struct bpf_local_storage;

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	void *stack;
	struct thread_struct thread;
	struct sched_entity se;
	struct sched_info sched_info;
	void *ret_stack; /* with CONFIG_FUNCTION_GRAPH_TRACER */
	struct llist_head kretprobe_instances; /* since 5.11, with CONFIG_KRETPROBES */
	struct llist_head rethooks; /* since 5.18, with CONFIG_RETHOOK */
	struct mm_struct *mm;
	unsigned int __state; /* since 5.14 */
	int on_cpu;
	int prio;
	bool throttled; /* since 6.18 */
	int exit_state;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct files_struct *files;
	char comm[16];
	struct bpf_local_storage *bpf_storage; /* since 5.11 */
	struct uprobe_task *utask; /* with CONFIG_UPROBES */
};

/* A return of the task that a uretprobe waits for. */
struct return_instance {
	unsigned long stack; /* where the return address was */
	unsigned long orig_ret_vaddr;
	struct return_instance *next;
};

struct uprobe_task {
	struct return_instance *return_instances;
};

/* Before 5.14. */
struct task_struct___before_5_14 {
	long state;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct linux_binprm;

/* Sockets. */

struct list_head {
	struct list_head *next;
};

struct hlist_node {
	struct hlist_node *next;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	__u8 sk_shutdown;
	__u16 sk_type;
	__u16 sk_protocol;
	__u32 sk_max_ack_backlog;
	int sk_err;
	struct pid *sk_peer_pid;
};

struct tcp_sock {
	__u64 bytes_received;
	__u64 bytes_acked;
	__u32 total_retrans;
	__u32 srtt_us;
	__u32 copied_seq;
	__u32 rcv_nxt;
	__u32 snd_una;
	__u32 write_seq;
	__u32 data_segs_out;
	bool is_mptcp;
	__u64 tcp_mstamp; /* us, since 4.13 */
	__u32 snd_nxt;
	__u32 snd_wnd;
	__u32 snd_cwnd;
	__u32 packets_out;
	__u32 mss_cache;
	__u32 lsndtime;
	__u8 nonagle : 4;
};

struct inet_connection_sock {
	struct {
		__u32 lrcvtime;
	} icsk_ack;
};

struct mptcp_sock {
	struct sock *first;
};

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct super_block {
	__u32 s_dev;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	unsigned short i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	__s64 i_ctime_sec; /* since 6.11 */
	__u32 i_ctime_nsec;
};

/* 6.6 to 6.10. */
struct inode___before_6_11 {
	struct timespec64 __i_ctime;
};

struct inode___before_6_6 {
	struct timespec64 i_ctime;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
	struct inode *d_inode;
};

struct path {
	struct dentry *dentry;
};

struct file {
	__u32 f_mode;
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
};

/* include/linux/fs.h: since 6.5, of a file that an overlay keeps elsewhere. */
#define FMODE_BACKING (1U << 25)

struct backing_file {
	struct path user_path;
};

struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct sk_buff {
	struct sock *sk;
	char cb[48];
};

/* In `cb` of packets that wait to be read. */
struct tcp_skb_cb {
	__u32 seq;
};

struct unix_skb_parms {
	__u32 consumed;
};

struct iovec {
	void *iov_base;
	__u64 iov_len;
};

struct iov_iter {
	__u8 iter_type;
	unsigned long iov_offset;
	const struct iovec *__iov;
	void *ubuf;
	unsigned long count;
	unsigned long nr_segs;
};

enum iter_type {
	ITER_UBUF,
	ITER_IOVEC,
};

enum skb_drop_reason {
	SKB_DROP_REASON_NOT_SPECIFIED = 2, /* the first two are none */
};

struct msghdr {
	struct iov_iter msg_iter;
};

struct bpf_map {
	__u32 id;
};

/* Of a map's value: since 6.18. */
struct bpf_task_work {
	__u64 opaque;
} __attribute__((aligned(8)));

struct bpf_dynptr {
	__u64 opaque[2];
};

/* What a kfunc calls a packet. */
struct __sk_buff {
	__u32 len;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#endif
