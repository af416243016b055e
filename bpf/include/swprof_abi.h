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

/* How the walk of a stack ended. */
enum swprof_stack_end {
	SWPROF_STACK_NONE = 0, /* there is no such stack, or it was not asked for */
	SWPROF_STACK_COMPLETE = 1, /* at the outermost frame */
	SWPROF_STACK_TOO_DEEP = 2,
	SWPROF_STACK_UNREADABLE = 3, /* the next frame lies in memory that is not resident */
	SWPROF_STACK_NO_FRAME_POINTER = 4, /* code without a table, and rbp cannot be a frame pointer */
	SWPROF_STACK_UNMAPPED = 5, /* the next address lies in no code that the process has mapped */
	SWPROF_STACK_UNSUPPORTED = 6, /* the table has no rule that the walk can follow */
	SWPROF_STACK_CORRUPT = 7, /* the rule leads away from the root */
	SWPROF_STACK_NOT_READY = 8, /* the tables for this code were not there yet */
	SWPROF_STACK_DOUBTED = 9, /* at the outermost frame, but a caller may be missing before it */
	SWPROF_STACK_COMPAT = 16, /* 32-bit code, of which frames may be missing: it has frame pointers alone */
	SWPROF_STACK_COMPAT_WHOLE = 17, /* 32-bit code, at the outermost frame */
};

/* Marks among the user frames of a stack. No code has such an address. */
#define SWPROF_FRAME_GUESSED 1 /* the next frame was found among the words of the stack, and is a guess */
#define SWPROF_FRAME_DOUBTED 2 /* a caller may be missing before the next frame */

/*
 * A frame of a runtime takes three words, counted in user_frames: where in the function, by which the runtime knows the
 * function, and SWPROF_FRAME_RUNTIME + enum swprof_runtime. The last word comes towards the root: stacks are read from
 * there.
 */
#define SWPROF_FRAME_RUNTIME 0x100
#define SWPROF_FRAME_RUNTIME_LAST 0x1ff
#define SWPROF_RUNTIME_FRAME_WORDS 3

enum swprof_runtime {
	SWPROF_RUNTIME_PYTHON = 1,
	SWPROF_RUNTIME_JAVA = 2,
	SWPROF_RUNTIME_JAVASCRIPT = 3,
};

/*
 * One tick. Followed by user_frames + kernel_frames addresses of 8 bytes: user stack first, each from leaf to root.
 * The first is an instruction pointer, the others return addresses. A frame that a signal interrupted is given by its
 * instruction pointer + 1, so that one less leads into the instruction as it leads into a call.
 */
struct swprof_sample {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 tgid;
	__u32 tid;
	__u32 cpu;
	__u16 user_frames;
	__u16 kernel_frames;
	__u8 user_end; /* enum swprof_stack_end */
	__u8 kernel_end; /* enum swprof_stack_end */
	__u16 stack_words; /* a copy of the user stack follows the frames: registers, then this many words from rsp on
			    */
	__u8 reserved[4];
	char comm[SWPROF_COMM_SIZE]; /* of the thread */
	char process_comm[SWPROF_COMM_SIZE]; /* of the thread group's leader */
};
_Static_assert(sizeof(struct swprof_sample) == 64, "layout");

/* Copies of stacks, which are taken where a table was not ready. */
#define SWPROF_COPY_REGISTERS 21 /* as struct pt_regs has them */
#define SWPROF_COPY_WORDS_MAX 2048

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

/* The records of the ring buffer `records` start with this. */
enum swprof_record {
	SWPROF_RECORD_STACK = 1, /* struct swprof_stack */
	SWPROF_RECORD_THREAD = 2, /* struct swprof_thread */
};

/* A stack that was seen for the first time; followed by `frames` addresses of 8 bytes, which are as those of a sample.
 */
struct swprof_stack {
	__u32 record; /* SWPROF_RECORD_STACK */
	__u32 tgid; /* whose addresses they are */
	__u64 id;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u16 frames;
	__u8 end; /* enum swprof_stack_end */
	__u8 side; /* SWPROF_SIDE_* */
	__u32 reserved;
	char comm[SWPROF_COMM_SIZE]; /* of the thread that had it first */
	char process_comm[SWPROF_COMM_SIZE];
};
_Static_assert(sizeof(struct swprof_stack) == 64, "layout");

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

/* Numbers of stacks that no record has. */
#define SWPROF_STACK_ID_NONE 0 /* there is none, or it was not asked for */
#define SWPROF_STACK_ID_LOST 1 /* there was one, and it was not to be had */

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
};
_Static_assert(sizeof(struct swprof_open_interval) == 264, "layout");

/*
 * Unwind tables. All of them live in one array of 64-byte lines, made of chunks that user space adds as it needs them.
 * A line number counts from the first line of the first chunk. What belongs together lies in consecutive lines; nothing
 * that a process or a module refers to is changed in place.
 */
#define SWPROF_LINE_SIZE 64
#define SWPROF_CHUNK_LINES 16384 /* 1 MiB */
#define SWPROF_CHUNKS_MAX 256

struct swprof_line {
	__u64 words[8];
};
_Static_assert(sizeof(struct swprof_line) == SWPROF_LINE_SIZE, "layout");

/* The code of a process, the value of the map `code_maps`: `count` code ranges from line `first` on. */
struct swprof_code_map {
	__u32 first;
	__u32 count;
	__u64 program_ns; /* the program that has it mapped: the time of the record of its exec, or of the process's
			     fork */
};
_Static_assert(sizeof(struct swprof_code_map) == 16, "layout");

/*
 * When a process began the program that it runs, and the one before: the times of the tracepoints of exec and fork,
 * which follow those of the records. 0: not known.
 */
struct swprof_program_start {
	__u64 last_ns;
	__u64 previous_ns;
};
_Static_assert(sizeof(struct swprof_program_start) == 16, "layout");

/* Executable memory. The ranges of a process are sorted by address and do not overlap. */
struct swprof_code_range {
	__u64 start;
	__u64 end;
	__u64 bias; /* ELF virtual address = address + bias, modulo 2^64 */
	__u32 module; /* the line of a struct swprof_module, or SWPROF_MODULE_* */
	__u32 flags; /* SWPROF_RANGE_* */
};
_Static_assert(sizeof(struct swprof_code_range) == 32, "layout");

#define SWPROF_RANGE_GENERATED 1 /* of no file: code that the process has written */
/*
 * A file that code is mapped from, the key of the map `code_files`: what /proc/PID/maps says of it, and when it was
 * changed last. All of it is 0 for the vDSO.
 */
struct swprof_file_identity {
	__u64 inode;
	__u64 changed_s; /* st_ctim */
	__u32 changed_ns;
	__u32 device; /* major << 20 | minor */
};
_Static_assert(sizeof(struct swprof_file_identity) == 24, "layout");

#define SWPROF_FILE_SEGMENTS_MAX 4

/* Executable bytes of a file, whole pages. */
struct swprof_file_segment {
	__u64 start; /* file offset */
	__u64 end;
	__u64 bias; /* ELF virtual address = file offset + bias, modulo 2^64 */
};
_Static_assert(sizeof(struct swprof_file_segment) == 24, "layout");

/* By which table stacks are walked through the code of a file, whoever maps it. */
struct swprof_code_file {
	__u32 module; /* as in a code range */
	__u32 count;
	struct swprof_file_segment segments[SWPROF_FILE_SEGMENTS_MAX];
};
_Static_assert(sizeof(struct swprof_code_file) == 104, "layout");

#define SWPROF_MODULE_NONE 0 /* code without a table: its frames are walked by frame pointers */
#define SWPROF_MODULE_NOT_READY 0xffffffff /* code whose table is not built yet, or found no room */

/* The unwind table of a file. `pages`, `rows` and `rules` are the first lines of arrays. */
struct swprof_module {
	__u64 first_page; /* ELF virtual address */
	__u32 page_count;
	__u32 pages; /* of struct swprof_unwind_page */
	__u32 rows; /* of __u32: place within the page << SWPROF_RULE_BITS | index of the rule */
	__u32 rules; /* of struct swprof_unwind_rule */
	__u64 reserved[5];
};
_Static_assert(sizeof(struct swprof_module) == SWPROF_LINE_SIZE, "layout");

#define SWPROF_PAGE_BITS 12
#define SWPROF_RULE_BITS 20

/* The rows of a page of code. An address below all of them belongs to the row before `first`. */
struct swprof_unwind_page {
	__u32 first;
	__u32 count;
};

enum swprof_frame_address {
	SWPROF_CFA_GAP = 0, /* no information */
	SWPROF_CFA_UNSUPPORTED = 1,
	SWPROF_CFA_OUTERMOST = 2,
	SWPROF_CFA_SP = 3, /* rsp + offset */
	SWPROF_CFA_BP = 4, /* rbp + offset */
	SWPROF_CFA_REGISTER = 5, /* register + offset */
	SWPROF_CFA_AT_SP = 6, /* *(rsp + offset) + addend */
	SWPROF_CFA_AT_BP = 7, /* *(rbp + offset) + addend */
	SWPROF_CFA_LINKAGE_STUB = 8, /* rsp + offset, and 8 more where (rip & 15) >= addend */
	SWPROF_CFA_SIGNAL_FRAME = 9, /* all registers stand in the ucontext at rsp */
	SWPROF_CFA_AT_SP_INDEXED = 10, /* *(rsp + offset + 8 * register) + addend */
};

enum swprof_frame_pointer {
	SWPROF_BP_UNKNOWN = 0,
	SWPROF_BP_SAME = 1,
	SWPROF_BP_AT_CFA = 2, /* at the frame address + bp_offset */
	SWPROF_BP_AT_SP = 3, /* at the callee's rsp + bp_offset */
	SWPROF_BP_AT_BP = 4, /* at the callee's rbp + bp_offset */
};

enum swprof_return_address {
	SWPROF_RA_BELOW_CFA = 0, /* at the frame address - 8 */
	SWPROF_RA_REGISTER = 1, /* in `reg`, which the frame address then does not use */
	SWPROF_RA_AT_CFA = 2, /* at the frame address + addend, which the frame address then does not use */
};

/* What a rule says about the caller's rbx, r12, r13, r14 and r15. */
enum swprof_kept_registers {
	SWPROF_KEEPS_ALL = 0, /* none of them has changed */
	SWPROF_KEEPS_SOME = 1, /* `addend` has their places; frame address and return address then do not use it */
	SWPROF_KEEPS_NONE = 2,
};

/*
 * Places: SWPROF_PLACE_BITS for each register in that order, from the lowest bits on. A place n is at the frame
 * address - 8 * n.
 */
#define SWPROF_KEPT_REGISTERS 5
#define SWPROF_PLACE_BITS 6
#define SWPROF_PLACE_SAME 0 /* not changed */
#define SWPROF_PLACE_LOST 63
#define SWPROF_PLACES_LOST 0x3fffffff
#define SWPROF_KEEPS_SHIFT 4

/* How the registers of a caller follow from those of its callee. */
struct swprof_unwind_rule {
	__u8 frame_address; /* enum swprof_frame_address */
	__u8 frame_pointer; /* enum swprof_frame_pointer */
	__u8 return_address; /* enum swprof_return_address */
	__u8 reg; /* DWARF number | enum swprof_kept_registers << SWPROF_KEEPS_SHIFT */
	__s32 offset;
	__s32 addend;
	__s32 bp_offset;
};
_Static_assert(sizeof(struct swprof_unwind_rule) == 16, "layout");

/* Kernel addresses whose names are asked for. */
#define SWPROF_NAMES_AT_ONCE 64
#define SWPROF_NAME_SIZE 768 /* more than KSYM_SYMBOL_LEN */

struct swprof_names {
	__u64 count;
	__u64 addresses[SWPROF_NAMES_AT_ONCE];
	char texts[SWPROF_NAMES_AT_ONCE][SWPROF_NAME_SIZE]; /* each ends with a 0 */
};

#endif
