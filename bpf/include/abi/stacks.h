/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records with stacks: samples, and the stacks that intervals refer to by number. */
#ifndef SWPROF_ABI_STACKS_H
#define SWPROF_ABI_STACKS_H

#include "common.h"
#include "python.h"

/* The kernel's own limit for its stacks is kernel.perf_event_max_stack, 127 unless raised. */
#define SWPROF_KERNEL_FRAMES_MAX 127
#define SWPROF_USER_FRAMES_MAX 1024

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
/* Those that user space puts there as it merges a stack with its Python side. */
#define SWPROF_FRAME_PYTHON_TRUNCATED 3 /* Python frames towards the root are missing */
#define SWPROF_FRAME_PYTHON_UNREADABLE 4 /* the same, as memory could not be read */
#define SWPROF_FRAME_PYTHON_NOT_MERGED 5 /* Python frames towards the root belong among the native ones before it */
#define SWPROF_FRAME_PYTHON_COLLECTING 6 /* garbage is being collected */
/*
 * The frames of an asyncio task end towards the leaf. More words come before it towards the leaf:
 * SWPROF_PYTHON_NAME_WORDS of the name, and SWPROF_PYTHON_NAME().
 */
#define SWPROF_FRAME_PYTHON_TASK 7
#define SWPROF_FRAME_PYTHON_WAITERS 8 /* several tasks await the next one; before it towards the leaf: how many */
#define SWPROF_FRAME_PYTHON_TASKS_CUT 9 /* it is not known which tasks await the next one */

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
 * Between them, there are python_words words. The first is an instruction pointer, the others return addresses. A frame
 * that a signal interrupted is given by its instruction pointer + 1, so that one less leads into the instruction as it
 * leads into a call.
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
	__u16 python_words; /* behind the user frames, see python.h */
	__u8 gil; /* enum swprof_gil */
	__u8 reserved;
	char comm[SWPROF_COMM_SIZE]; /* of the thread */
	char process_comm[SWPROF_COMM_SIZE]; /* of the thread group's leader */
};
_Static_assert(sizeof(struct swprof_sample) == 64, "layout");

/* Copies of stacks, which are taken where a table was not ready. */
#define SWPROF_COPY_REGISTERS 17 /* by their DWARF numbers; the last one is rip */
#define SWPROF_COPY_WORDS_MAX 2048

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
	__u16 python_words; /* behind the frames, see python.h */
	__u8 gil; /* enum swprof_gil */
	__u8 reserved;
	char comm[SWPROF_COMM_SIZE]; /* of the thread that had it first */
	char process_comm[SWPROF_COMM_SIZE];
};
_Static_assert(sizeof(struct swprof_stack) == 64, "layout");

/* Numbers of stacks that no record has. */
#define SWPROF_STACK_ID_NONE 0 /* there is none, or it was not asked for */
#define SWPROF_STACK_ID_LOST 1 /* there was one, and it was not to be had */

#endif
