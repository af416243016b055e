/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of a walk of Python frames. */
#ifndef SWPROF_UNWIND_PYTHON_STATE_H
#define SWPROF_UNWIND_PYTHON_STATE_H

#include "abi/stacks.h"
#include "../plain_c.h"

/*
 * How much is read at once for frames, which lie side by side since 3.11, and for a code object. Powers of two, so that
 * an offset can be cut to what there is.
 */
#define PYTHON_WINDOW_WORDS 128
#define PYTHON_CODE_WORDS 32
#define PYTHON_STATE_WORDS 32
#define PYTHON_BOUNDARIES_MAX 512
#define PYTHON_OBJECT_WORDS 32
_Static_assert(PYTHON_BOUNDARIES_MAX >= SWPROF_PYTHON_RECORDS_MAX, "room");
_Static_assert(PYTHON_CODE_WORDS * sizeof(__u64) >= SWPROF_PYTHON_CODE_SIZE_MAX, "room");
/* How many code objects are copied after one walk. A power of two. */
#define PYTHON_NEW_CODES 16

struct python_new_code {
	__u64 code;
	__u32 cookie;
	__u32 reserved;
};

struct python_walk {
	struct swprof_python target;
	__u64 state; /* the thread state */
	__u64 state_words[PYTHON_STATE_WORDS]; /* its beginning */
	__u64 frame; /* the one that comes next; 0: none */
	__u64 cframe; /* of the run at hand; 0: not known */
	__u64 hash; /* of the records */
	__u32 frames; /* that were followed */
	__u32 shown; /* of them, those that have records */
	__u32 first_word; /* where among the words of the stack the records begin */
	__u32 records;
	__u32 boundaries;
	__u32 gil; /* enum swprof_gil */
	__u32 tgid;
	__u32 has_new_code; /* 0 or 1: user space is to be woken for code that was not seen before and not copied */
	__u32 new_codes; /* of the last walk: code objects to be copied */
	__u32 is_cut; /* 0 or 1: frames are left out up to the end of the run at hand */
	__u32 has_left_entry; /* 0 or 1: the run that the thread was entering, or leaving, is left out */
	__u32 is_past_root; /* 0 or 1: a run has ended at the CFrame that is none of a loop, in the thread state */
	__u32 placed; /* boundaries that have their native frames */
	__u32 native; /* where among them the next one is looked for */
	__u64 window_start; /* where `window` was read */
	__u32 window_size; /* in bytes; 0: not read yet */
	__u32 place; /* of the frame that was read last, in words of `window` */
	__u64 window[PYTHON_WINDOW_WORDS];
	__u64 task_frame; /* the outermost frame of the asyncio task that runs; 0: none */
	/* of the task whose frames are recorded */
	__u64 task_name;
	__u64 awaited_by;
	__u64 coroutine; /* the next one of the task; 0: none */
	__u64 coroutine_type; /* of all of them */
	__u32 is_task; /* 0: a future that is no task */
	__u32 has_waiters; /* 0: awaited_by is one task or future; else a set of them */
	__u32 follows_tasks; /* 0 or 1: the next step is one of the tasks */
	__u32 task_steps;
	__u32 tasks;
	__u64 object_words[PYTHON_OBJECT_WORDS]; /* of a task, a coroutine or a string */
	__u64 code; /* whose head was read last; 0: none */
	__u64 code_words[PYTHON_CODE_WORDS];
	struct python_new_code new_code[PYTHON_NEW_CODES];
	__u16 boundary_records[PYTHON_BOUNDARIES_MAX]; /* which records are boundaries */
	/* Where on the stack each native frame begins, and its callee's ends. */
	__u64 frame_addresses[SWPROF_USER_FRAMES_MAX];
};

#endif
