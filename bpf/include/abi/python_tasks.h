/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tasks of Python's asyncio: where they have their fields, and how the tasks that await each other are recorded. */
#ifndef SWPROF_ABI_PYTHON_TASKS_H
#define SWPROF_ABI_PYTHON_TASKS_H

#include "types.h"

/* Offsets in bytes, since CPython 3.14. */
struct swprof_python_tasks {
	__u64 text_type; /* address of PyUnicode_Type; 0: not known, and tasks have no names */
	/* in a task; in another future, all but the name and the coroutine */
	__u16 name;
	__u16 awaited_by; /* the task or future that awaits it, or a set of them */
	__u16 is_task; /* a byte */
	__u16 is_set; /* a byte: whether awaited_by is a set */
	__u16 coroutine;
	__u16 task_size; /* bytes to read for all of these */
	/* in a coroutine */
	__u16 frame; /* the frame itself */
	__u16 frame_state; /* a byte */
	__u16 coroutine_size; /* bytes to read for all of these, the fields of the frame included */
	/* in a frame */
	__u16 stack_pointer;
	__u16 awaited; /* so far below the stack pointer is what a suspended coroutine awaits */
	__u8 suspended; /* the frame_state of a coroutine that awaits something */
	__u8 text_kind_shift; /* of the bits in text_state */
	__u16 set_count; /* in a set */
	/* in a string */
	__u16 text_length;
	__u16 text_state;
	__u16 text_ascii; /* the data, if it is ASCII; the size of the head as well */
	__u16 text_other; /* the data of others */
	__u16 reserved[3];
};
_Static_assert(sizeof(struct swprof_python_tasks) == 48, "layout");

/*
 * If the thread runs a task, records follow the frame of the task's coroutine, the outermost frame of the task: one
 * that names the task, and then, for each task that awaits the last one, its frames and its name. The frames of a task
 * that waits come from the outermost to the innermost: coroutines lead to what they await.
 *
 * A name is up to SWPROF_PYTHON_NAME_WORDS records of 8 bytes, and the mark SWPROF_PYTHON_TASK with the number of its
 * characters, all of them, and the bytes of each. Length 0: the task was given no name.
 */
#define SWPROF_PYTHON_NAME_WORDS 4
#define SWPROF_PYTHON_NAME(length, width) ((__u64)(width) << 32 | (__u32)(length))

/* Frames of tasks that wait, and tasks, the one that runs included. */
#define SWPROF_PYTHON_TASK_STEPS_MAX 48
#define SWPROF_PYTHON_TASKS_MAX 16
#define SWPROF_PYTHON_TASK_RECORDS_MAX                                                                                 \
	(SWPROF_PYTHON_TASK_STEPS_MAX + SWPROF_PYTHON_TASKS_MAX * SWPROF_PYTHON_NAME_WORDS + 1)

#endif
