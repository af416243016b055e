/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all kinds of capture share with user space: configuration, scope, counters. */
#ifndef SWPROF_ABI_COMMON_H
#define SWPROF_ABI_COMMON_H

#include "types.h"

#define SWPROF_COMM_SIZE 16

enum swprof_scope {
	SWPROF_SCOPE_TARGETS = 0, /* the processes of the map `targets` */
	SWPROF_SCOPE_CGROUP = 1, /* members of the cgroup in slot 0 of `cgroups` */
	SWPROF_SCOPE_ALL = 2, /* everything but the idle tasks */
};

/* The values of the map `targets`. */
enum swprof_target {
	SWPROF_TARGET_PRESENT = 1,
	SWPROF_TARGET_HELD = 2, /* a command that has not been executed yet: nothing counts before */
};

/* How user stacks are walked. */
enum swprof_unwind {
	SWPROF_UNWIND_FRAME_POINTERS = 0,
	SWPROF_UNWIND_TABLES = 1, /* by the tables of the target's files, and by frame pointers where there is none */
};

#define SWPROF_SIDE_USER 1
#define SWPROF_SIDE_KERNEL 2

/* Set before the programs are loaded, constant afterwards. */
struct swprof_config {
	__u32 pid_namespace; /* inode of the pid namespace in which processes are numbered */
	__u32 pid_level; /* its depth, or less where that is hidden: 0 is the initial one */
	__u32 scope; /* enum swprof_scope */
	__u32 sides; /* SWPROF_SIDE_* */
	__u32 follow_children; /* 0 or 1 */
	__u32 wakeup_bytes; /* fill of the ring buffer at which user space is woken */
	__u32 unwind; /* enum swprof_unwind */
	__u32 stop_sampled; /* 0 or 1: stop each sampled thread where it is, so that a test can look at it */
	char comm[SWPROF_COMM_SIZE]; /* a process that takes this name becomes a target; empty: none */
};
_Static_assert(sizeof(struct swprof_config) == 48, "layout");

enum swprof_counter {
	SWPROF_COUNTER_TICKS = 0, /* ticks that hit the target */
	SWPROF_COUNTER_RING_BUFFER_FULL = 1, /* ticks whose sample found no room */
	SWPROF_COUNTER_TARGET_TABLE_FULL = 2, /* processes that found no room in `targets` */
	SWPROF_COUNTER_WAKEUP_MISSED = 3, /* waits that ended without a wake-up that was seen */
	SWPROF_COUNTER_THREAD_TABLE_FULL = 4, /* threads that there was no memory for */
	SWPROF_COUNTER_SWITCH_MISSED = 5, /* threads that were found running although no switch to them was seen */
	SWPROF_COUNTER_THREAD_RECORD_LOST = 6, /* threads whose names found no room */
	SWPROF_COUNTER_CHILDREN = 7, /* processes that targets have forked, and that became targets by it: no loss */
	SWPROF_COUNTER_MAX = 8,
};

#endif
