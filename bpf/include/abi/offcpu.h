/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Off-CPU profiling: configuration, sums of intervals, records of threads that end. */
#ifndef SWPROF_ABI_OFFCPU_H
#define SWPROF_ABI_OFFCPU_H

#include "common.h"
#include "stacks.h"

/* What a thread that does not run is doing. */
enum swprof_phase {
	SWPROF_PHASE_BLOCKED = 0, /* from its switch-out to its wake-up */
	SWPROF_PHASE_RUN_QUEUE = 1, /* from its wake-up to its switch-in */
	SWPROF_PHASE_PREEMPTED = 2, /* it could have gone on, and had to let another run */
	SWPROF_PHASE_YIELDED = 3, /* it could have gone on, and called sched_yield(2) */
	SWPROF_PHASE_THROTTLED = 4, /* it could have gone on, and its control group has used up its CPU limit */
	SWPROF_PHASE_MAX = 5,
};

/* Of off-CPU profiling; set before the programs are loaded, constant afterwards. */
struct swprof_off_cpu_config {
	__u64 min_ns; /* intervals shorter than this are only summed up */
	__u64 max_ns; /* and those longer than this */
	__u64 interrupts_start; /* the kernel's code that interrupts enter by */
	__u64 interrupts_size; /* bytes; 0: not known */
	__u64 states; /* 1 << (letter - 'A'), of the states of waits that are recorded */
	__u32 phases; /* 1 << enum swprof_phase, of those that are recorded */
	__u8 wakers; /* 0 or 1: record who ends a wait */
	__u8 kernel_threads; /* 0 or 1: of all processes, kernel threads too */
	__u8 switch_state; /* 0 or 1: use the fourth argument of sched_switch, where the kernel has it */
	__u8 switch_exit; /* 0 or 1: `end_switch` is attached */
	__u8 task_work; /* 0 or 1: a thread is asked to look at its stack; without either, `leave_system_call` is
			   attached */
	__u8 queue_times; /* 0 or 1: the kernel's own account of run queues is used, else `wake_up` is attached */
	__u8 reserved[6];
};
_Static_assert(sizeof(struct swprof_off_cpu_config) == 56, "layout");

/* The open ends of a capture: its first and its last moment. */
struct swprof_window {
	__u64 start_ns; /* CLOCK_MONOTONIC */
	__u64 end_ns; /* 0 until the capture ends */
	__u64 claims; /* 0 or 1: what `collect_threads` writes from now on is settled with that */
};

#define SWPROF_INTERVAL_OPEN 1 /* it began before the capture, or had not ended with it */
#define SWPROF_INTERVAL_INTERRUPT 2 /* an interrupt ended it, not the process that it interrupted */

/*
 * What intervals are summed up by. Stacks are given by numbers; a `struct swprof_stack` with that number is in the ring
 * buffer. 0 is no stack.
 */
struct swprof_interval_key {
	__u64 user_stack;
	__u64 kernel_stack;
	__u64 waker_user_stack;
	__u64 waker_kernel_stack;
	__u32 tgid;
	__u32 tid;
	__u32 waker_tgid;
	__u8 phase; /* enum swprof_phase */
	__u8 state; /* of a wait: as ps(1) writes it, D or S or T...; 0 where it was not waiting */
	__u8 flags; /* SWPROF_INTERVAL_* */
	__u8 reserved;
};
_Static_assert(sizeof(struct swprof_interval_key) == 48, "layout");

struct swprof_interval_sum {
	__u64 count;
	__u64 total_ns;
	__u64 min_ns;
	__u64 max_ns;
};

/* Indices of `sums`, whose values are a struct swprof_sum for each CPU. */
enum swprof_sum_index {
	SWPROF_SUM_WANTED = 0, /* intervals that were asked for; all else is about those that were not recorded */
	SWPROF_SUM_TABLE_FULL = 1, /* asked for, and found no place */
	SWPROF_SUM_LEFT_OUT = 2, /* not asked for: + enum swprof_phase */
	SWPROF_SUM_MAX = 7,
};

struct swprof_sum {
	__u64 count;
	__u64 ns;
};

/* A thread at its end, when all of its names are known. */
struct swprof_thread {
	__u32 record; /* SWPROF_RECORD_THREAD */
	__u32 tgid;
	__u32 tid;
	__u32 reserved;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	char comm[SWPROF_COMM_SIZE];
	char process_comm[SWPROF_COMM_SIZE];
};
_Static_assert(sizeof(struct swprof_thread) == 56, "layout");

#define SWPROF_REGISTERS_NONE 0
#define SWPROF_REGISTERS_64BIT 1
#define SWPROF_REGISTERS_COMPAT 2 /* of 32-bit code, in 4 bytes of each */
#define SWPROF_REGISTERS_SEGMENT 3 /* of code in a segment of the process's own: nothing can be walked */

/* Intervals as they are when the capture ends: a wait that goes on, or one whose user stack was not taken yet. */
struct swprof_open_interval {
	struct swprof_thread thread;
	__u64 since_ns; /* when it began; with the thread, what tells it from others */
	__u64 kernel_stack; /* its number where it was taken before */
	__u64 user_stack;
	__u64 waker_user_stack;
	__u64 waker_kernel_stack;
	__u64 first_ns; /* time in `phase` */
	__u64 queued_ns; /* time in `queued_phase` after it; 0: none */
	__u32 waker_tgid;
	__u8 phase;
	__u8 state;
	__u8 flags;
	__u8 kernel_end; /* enum swprof_stack_end */
	__u16 kernel_frames; /* this many addresses of 8 bytes follow */
	__u8 first_wanted; /* 0 or 1 */
	__u8 queued_wanted; /* 0 or 1 */
	__u8 has_registers; /* SWPROF_REGISTERS_*: its user stack can be walked from `registers` */
	__u8 queued_phase;
	__u8 reserved[2];
	__u64 registers[17]; /* by their DWARF numbers; the last one is rip */
	__u64 thread_pointer;
};
_Static_assert(sizeof(struct swprof_open_interval) == 272, "layout");

#endif
