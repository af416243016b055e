/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records which asyncio task a thread runs, and which tasks await that one: a part of the walk in python.h.
 *
 * A thread runs the tasks of its event loop one at a time. While it is stopped in one, the others stand still as well.
 */
#ifndef SWPROF_UNWIND_PYTHON_TASKS_H
#define SWPROF_UNWIND_PYTHON_TASKS_H

#include "python_records.h"

static __always_inline __u64 python_object_word(const struct python_walk *python, __u32 offset)
{
	return python->object_words[offset / sizeof(__u64) & (PYTHON_OBJECT_WORDS - 1)];
}

static __always_inline __u8 python_object_byte(const struct python_walk *python, __u32 offset)
{
	return ((const __u8 *)python->object_words)[offset & (8 * PYTHON_OBJECT_WORDS - 1)];
}

static __always_inline int read_python_object(struct python_walk *python, __u64 address, __u32 size)
{
	if (!address || size > sizeof(python->object_words))
		return 1;
	return read_user(python->object_words, size, address);
}

/* Makes a task, or another future, the one at hand. Returns 0 if it could be read. */
static __always_inline int read_python_task(struct python_walk *python, __u64 task)
{
	const struct swprof_python_tasks *tasks = &python->target.tasks;

	if (read_python_object(python, task, tasks->task_size))
		return 1;
	python->is_task = python_object_byte(python, tasks->is_task);
	python->task_name = python_object_word(python, tasks->name);
	python->coroutine = python->is_task ? python_object_word(python, tasks->coroutine) : 0;
	python->awaited_by = python_object_word(python, tasks->awaited_by);
	python->has_waiters = python_object_byte(python, tasks->is_set);
	return 0;
}

/* Finds the task that the thread runs, of which the walk has the state. Returns 0 if it runs one. */
__attribute__((noinline)) int find_python_task(void)
{
	struct python_walk *python = current_python();
	__u64 task;

	if (!python)
		return 1;
	python->follows_tasks = 0;
	python->task_frame = 0;
	if (!python->target.state_task)
		return 1;
	task = python_state_word(python, python->target.state_task);
	if (!task || read_python_task(python, task) || !python->coroutine)
		return 1;
	python->task_frame = python->coroutine + python->target.tasks.frame;
	return 0;
}

/* Ends the tasks with a mark. Returns 0 while there is room for more records. */
static __always_inline int end_python_tasks(struct python_walk *python, __u64 mark, __u64 number)
{
	python->follows_tasks = 0;
	return add_python_record(python, mark, number);
}

/* Begins to record tasks behind the frame of the coroutine of the one that runs. Returns as end_python_tasks(). */
static __always_inline int begin_python_tasks(struct python_walk *python)
{
	/* Then the frames of each task have its name behind them. */
	if (python->records + SWPROF_PYTHON_TASK_RECORDS_MAX >= SWPROF_PYTHON_RECORDS_MAX)
		return end_python_tasks(python, SWPROF_PYTHON_TASKS_CUT, 0);
	python->coroutine_type = read_python_word(python->coroutine + python->target.code_object_type);
	python->coroutine = 0;
	python->task_frame = 0;
	python->task_steps = 0;
	python->tasks = 0;
	python->follows_tasks = 1;
	return 0;
}

/*
 * Records the frame of a coroutine that waits, and goes on to the coroutine that it awaits, if it does. Returns as
 * end_python_tasks().
 */
static __always_inline int add_python_coroutine(struct python_walk *python)
{
	const struct swprof_python *target = &python->target;
	const struct swprof_python_tasks *tasks = &target->tasks;
	__u64 code, position, awaited;
	__u32 cookie, size = target->code_size;

	if (read_python_object(python, python->coroutine, tasks->coroutine_size) ||
	    python_object_word(python, target->code_object_type) != python->coroutine_type ||
	    python_object_byte(python, tasks->frame_state) != tasks->suspended)
		return end_python_tasks(python, SWPROF_PYTHON_TASKS_CUT, 0);
	code = python_object_word(python, tasks->frame + target->frame_code) & ~(__u64)target->tag_mask;
	position = python_object_word(python, tasks->frame + target->frame_position);
	awaited = python_object_word(python, tasks->frame + tasks->stack_pointer) - tasks->awaited;
	python->code = 0;
	if (code < SWPROF_PYTHON_MARK_LIMIT || size > SWPROF_PYTHON_CODE_SIZE_MAX ||
	    read_user(python->code_words, size, code) ||
	    python_code_word(python, target->code_object_type) != target->code_type)
		return end_python_tasks(python, SWPROF_PYTHON_TASKS_CUT, 0);
	python->code = code;
	awaited = read_python_word(awaited) & ~(__u64)target->tag_mask;
	/* Other objects that can be awaited have no frames that are known. */
	if (!awaited || read_python_word(awaited + target->code_object_type) != python->coroutine_type)
		awaited = 0;
	python->coroutine = awaited;
	cookie = python_cookie(python);
	note_python_code(python, code, cookie);
	return add_python_record(python, code, SWPROF_PYTHON_PLACE(python_unit_at(target, code, position), cookie));
}

/* Records up to SWPROF_PYTHON_NAME_WORDS words of the name of a task. Returns the second word of its mark. */
static __always_inline __u64 add_python_name(struct python_walk *python)
{
	const struct swprof_python_tasks *tasks = &python->target.tasks;
	__u64 name = python->task_name, length, size;
	__u32 state, width;
	bool is_ascii;

	/* A task that was given no name has a number instead. */
	if (read_python_object(python, name, tasks->text_ascii) || !tasks->text_type ||
	    python_object_word(python, python->target.code_object_type) != tasks->text_type)
		return 0;
	length = python_object_word(python, tasks->text_length);
	state = (__u32)python_object_word(python, tasks->text_state) >> (tasks->text_kind_shift & 31);
	width = state & 7;
	is_ascii = state >> 4 & 1;
	if (!(width == 1 || width == 2 || width == 4))
		return 0;
	size = length > 8 * SWPROF_PYTHON_NAME_WORDS ? 8 * SWPROF_PYTHON_NAME_WORDS : length;
	size *= width;
	if (size > 8 * SWPROF_PYTHON_NAME_WORDS)
		size = 8 * SWPROF_PYTHON_NAME_WORDS;
	/* Without these two the verifier of 6.1 sees no limit. */
	__asm__ volatile("" : "+r"(size));
	size &= 16 * SWPROF_PYTHON_NAME_WORDS - 1;
	for (int i = 0; i < SWPROF_PYTHON_NAME_WORDS; i++)
		python->object_words[i] = 0;
	if (read_user(python->object_words, size, name + (is_ascii ? tasks->text_ascii : tasks->text_other)))
		return 0;
	for (int i = 0; i < SWPROF_PYTHON_NAME_WORDS; i++)
		if (8 * (__u64)i < size && add_python_record(python, SWPROF_PYTHON_NAME_WORD, python->object_words[i]))
			return 0;
	return SWPROF_PYTHON_NAME(length > 0xffffffff ? 0xffffffff : length, width);
}

/* Names the task whose frames are recorded, and goes on to the one that awaits it. Returns as end_python_tasks(). */
static __always_inline int leave_python_task(struct python_walk *python)
{
	if (python->is_task) {
		if (python->tasks >= SWPROF_PYTHON_TASKS_MAX)
			return end_python_tasks(python, SWPROF_PYTHON_TASKS_CUT, 0);
		python->tasks += 1;
		if (add_python_record(python, SWPROF_PYTHON_TASK, add_python_name(python)))
			return 1;
	}
	if (!python->awaited_by) {
		python->follows_tasks = 0;
		return 0;
	}
	if (python->has_waiters)
		return end_python_tasks(python, SWPROF_PYTHON_WAITERS,
					read_python_word(python->awaited_by + python->target.tasks.set_count));
	if (read_python_task(python, python->awaited_by))
		return end_python_tasks(python, SWPROF_PYTHON_TASKS_CUT, 0);
	return 0;
}

/* Takes a step through the tasks. Returns 0 while there is room for more records. */
__attribute__((noinline)) int python_task_step(void)
{
	struct python_walk *python = current_python();

	if (!python)
		return 1;
	if (python->task_steps >= SWPROF_PYTHON_TASK_STEPS_MAX)
		return end_python_tasks(python, SWPROF_PYTHON_TASKS_CUT, 0);
	python->task_steps += 1;
	return python->coroutine ? add_python_coroutine(python) : leave_python_task(python);
}

#endif
