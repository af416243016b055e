/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel side and the user side of swprof agree on: configuration, counters, records. */
#ifndef SWPROF_ABI_H
#define SWPROF_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* The kernel's own limit for its stacks is kernel.perf_event_max_stack, 127 unless raised. */
#define SWPROF_KERNEL_FRAMES_MAX 127
#define SWPROF_USER_FRAMES_MAX 1024
#define SWPROF_COMM_SIZE 16

enum swprof_scope {
	SWPROF_SCOPE_TARGETS = 0, /* the processes of the map `targets` */
	SWPROF_SCOPE_CGROUP = 1, /* members of the cgroup in slot 0 of `cgroups` */
	SWPROF_SCOPE_ALL = 2, /* everything but the idle tasks */
};

#define SWPROF_SIDE_USER 1
#define SWPROF_SIDE_KERNEL 2

/* Set before the programs are loaded, constant afterwards. */
struct swprof_config {
	__u32 pid_namespace; /* inode of the pid namespace in which processes are numbered */
	__u32 pid_level; /* its depth: 0 is the initial one */
	__u32 scope; /* enum swprof_scope */
	__u32 sides; /* SWPROF_SIDE_* */
	__u32 follow_children; /* 0 or 1 */
	__u32 wakeup_bytes; /* fill of the ring buffer at which user space is woken */
	char comm[SWPROF_COMM_SIZE]; /* a process that takes this name becomes a target; empty: none */
};
_Static_assert(sizeof(struct swprof_config) == 40, "layout");

enum swprof_counter {
	SWPROF_COUNTER_TICKS = 0, /* ticks that hit the target */
	SWPROF_COUNTER_RING_BUFFER_FULL = 1, /* ticks whose sample found no room */
	SWPROF_COUNTER_TARGET_TABLE_FULL = 2, /* processes that found no room in `targets` */
	SWPROF_COUNTER_MAX = 3,
};

/* How the walk of a stack ended. */
enum swprof_stack_end {
	SWPROF_STACK_NONE = 0, /* there is no such stack, or it was not asked for */
	SWPROF_STACK_COMPLETE = 1,
	SWPROF_STACK_TOO_DEEP = 2,
	SWPROF_STACK_UNREADABLE = 3, /* the next frame lies in memory that is not resident */
	SWPROF_STACK_BROKEN = 4, /* the next frame pointer cannot be one */
};

/* One tick. Followed by user_frames + kernel_frames addresses of 8 bytes: user stack first, each from leaf to root. */
struct swprof_sample {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 tgid;
	__u32 tid;
	__u32 cpu;
	__u16 user_frames;
	__u16 kernel_frames;
	__u8 user_end; /* enum swprof_stack_end */
	__u8 kernel_end; /* enum swprof_stack_end */
	__u8 reserved[6];
	char comm[SWPROF_COMM_SIZE]; /* of the thread */
	char process_comm[SWPROF_COMM_SIZE]; /* of the thread group's leader */
};
_Static_assert(sizeof(struct swprof_sample) == 64, "layout");

#endif
