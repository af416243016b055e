/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks the Python frames of a thread, which CPython keeps beside the native stack, into a list of records.
 *
 * A thread's frames do not move while it is stopped. One that is being pushed or popped may be half-written.
 */
#ifndef SWPROF_UNWIND_PYTHON_H
#define SWPROF_UNWIND_PYTHON_H

#include "python_tasks.h"
#include "steps.h"

/* Behind the frames that have records, so many are followed to the end of their run. */
#define PYTHON_FRAMES_FOLLOWED 640
#define PYTHON_STEPS_IN_A_ROW 32
#define PYTHON_STEPS_MAX (PYTHON_FRAMES_FOLLOWED + SWPROF_PYTHON_TASK_STEPS_MAX)

/* Follows a path of pointers from the thread pointer. 0: it could not be followed. */
static __always_inline __u64 follow_python_path(const __s32 *path, __u32 length, __u64 thread_pointer)
{
	__u64 value = thread_pointer;

	for (__u32 i = 0; i < SWPROF_PYTHON_PATH_MAX; i++) {
		if (i >= length)
			break;
		if (!value || read_user(&value, sizeof(value), value + (__s64)path[i]))
			return 0;
	}
	return length ? value : 0;
}

/* How the thread stands to the lock, of which it has `state`. */
static __always_inline __u32 find_gil(const struct python_walk *python, __u64 holder)
{
	const struct swprof_python *target = &python->target;
	__u32 requested = 0;

	if (target->is_free_threaded || (!target->attached_length && !target->current_state))
		return SWPROF_GIL_UNKNOWN;
	if (holder == python->state)
		return SWPROF_GIL_HELD;
	if (target->state_gil_requested &&
	    !read_user(&requested, sizeof(requested), python->state + target->state_gil_requested) && requested)
		return SWPROF_GIL_WAITING;
	return SWPROF_GIL_NONE;
}

/* Whether garbage is being collected, by the thread that holds the lock. */
static __always_inline bool is_collecting(const struct python_walk *python)
{
	const struct swprof_python *target = &python->target;
	__u64 interpreter;
	__u32 collecting;

	if (!target->interpreter_collecting || python->gil != SWPROF_GIL_HELD)
		return false;
	interpreter = python_state_word(python, target->state_interpreter);
	return interpreter &&
	       !read_user(&collecting, sizeof(collecting), interpreter + target->interpreter_collecting) && collecting;
}

/* Whether the CFrame has the first frame of its run: 3.11 and 3.12. */
static __always_inline bool keeps_frame_in_cframe(const struct python_walk *python)
{
	return python->target.state_cframe && !python->target.state_frame;
}

/* Begins with the frame at hand: the marks at the leaf come first. */
static __always_inline void begin_python_frames(struct python_walk *python, __u32 first_word)
{
	begin_python_records(python, first_word);
	python->hash = python->gil;
	python->frames = 0;
	python->shown = 0;
	python->is_cut = 0;
	python->is_past_root = 0;
	if (is_collecting(python))
		add_python_record(python, SWPROF_PYTHON_COLLECTING, 0);
	find_python_task();
}

/* Finds the state and the first frame of the thread with a thread pointer. Returns 0 if it may run Python code. */
__attribute__((noinline)) int begin_python_walk(__u64 thread_pointer, __u32 first_word)
{
	struct python_walk *python = current_python();
	const struct swprof_python *target;
	__u64 holder;

	if (!python)
		return 1;
	target = &python->target;
	python->hash = 0;
	begin_python_records(python, first_word);
	python->gil = SWPROF_GIL_UNKNOWN;
	python->cframe = 0;
	python->has_left_entry = 0;
	python->window_size = 0;
	python->code = 0;
	python->state = follow_python_path(target->path, target->path_length, thread_pointer);
	holder = target->current_state ? read_python_word(target->current_state)
				       : follow_python_path(target->attached, target->attached_length, thread_pointer);
	/* Before 3.12, a thread that runs a subinterpreter keeps the state of its first one in its slot. */
	if (target->current_state && holder && holder != python->state &&
	    read_python_word(holder + target->state_thread) == thread_pointer)
		python->state = holder;
	if (!python->state || read_user(python->state_words, sizeof(python->state_words), python->state) ||
	    python_state_word(python, target->state_thread) != thread_pointer)
		return 1;
	python->gil = find_gil(python, holder);
	if (target->state_cframe)
		python->cframe = python_state_word(python, target->state_cframe);
	if (target->state_frame)
		python->frame = python_state_word(python, target->state_frame);
	else
		python->frame = python->cframe ? read_python_word(python->cframe + target->cframe_frame) : 0;
	begin_python_frames(python, first_word);
	return !python->frame && !keeps_frame_in_cframe(python);
}

/* Ends the run of the eval loop that has something at an address of its stack. Returns 0 while there is room. */
static __always_inline int end_python_run(struct python_walk *python, __u64 address)
{
	return add_python_record(python, SWPROF_PYTHON_BOUNDARY, SWPROF_PYTHON_END(address, 0)) || python->is_cut;
}

/* The state of a thread is smaller. */
#define PYTHON_STATE_SIZE_MAX 1024

/* Whether a CFrame is the one with which each chain of them ends. */
static __always_inline bool is_root_cframe(const struct python_walk *python, __u64 cframe)
{
	return cframe - python->state < PYTHON_STATE_SIZE_MAX;
}

/* Ends the run of the CFrame at hand. Returns 0 while there may be another one. */
static __always_inline int end_python_cframe(struct python_walk *python)
{
	__u64 cframe = python->cframe;

	if (is_root_cframe(python, cframe))
		python->is_past_root = 1;
	python->cframe = cframe ? read_python_word(cframe + python->target.cframe_previous) : 0;
	return end_python_run(python, cframe);
}

/*
 * Records that frames are missing. What follows up to the end of the run is left out, but for that end: then the frames
 * that are there have their place among the native ones. Returns 0 if the end is still to be found.
 */
static __always_inline int cut_python_walk(struct python_walk *python, __u64 mark)
{
	if (python->is_cut)
		return 0;
	python->is_cut = 1;
	if (add_python_record(python, mark, 0))
		return 1;
	if (python->target.anchor != SWPROF_PYTHON_ANCHOR_CFRAME)
		return python->target.anchor == SWPROF_PYTHON_ANCHOR_NONE;
	return end_python_cframe(python);
}

/* Where in its code a frame is. */
static __always_inline __u32 python_unit(const struct python_walk *python, __u64 code)
{
	const struct swprof_python *target = &python->target;
	__s32 index;

	if (target->position == SWPROF_PYTHON_POSITION_POINTER)
		return python_unit_at(target, code, python_frame_word(python, target->frame_position));
	index = python_frame_index(python, target->frame_position);
	if (index < 0)
		return SWPROF_PYTHON_UNIT_NONE;
	return target->position == SWPROF_PYTHON_POSITION_UNITS ? index : index / 2;
}

/* Records the frame that was read last. Returns 0 if more may follow. */
static __always_inline int add_python_frame(struct python_walk *python)
{
	const struct swprof_python *target = &python->target;
	__u64 code = python_frame_word(python, target->frame_code) & ~(__u64)target->tag_mask;
	__u32 size = target->code_size, cookie;

	if (size > SWPROF_PYTHON_CODE_SIZE_MAX)
		return 1;
	if (python->shown >= SWPROF_PYTHON_FRAMES_MAX)
		return cut_python_walk(python, SWPROF_PYTHON_TRUNCATED);
	/* A function that has called itself need not be read again. */
	if (code >= SWPROF_PYTHON_MARK_LIMIT && code != python->code) {
		python->code = 0;
		if (read_user(python->code_words, size, code))
			return cut_python_walk(python, SWPROF_PYTHON_UNREADABLE);
		python->code = code;
	}
	if (code < SWPROF_PYTHON_MARK_LIMIT ||
	    python_code_word(python, target->code_object_type) != target->code_type) {
		/* The first one may be half-written. */
		return python->frames > 1 ? cut_python_walk(python, SWPROF_PYTHON_NO_CODE) : 0;
	}
	python->shown += 1;
	cookie = python_cookie(python);
	note_python_code(python, code, cookie);
	return add_python_record(python, code, SWPROF_PYTHON_PLACE(python_unit(python, code), cookie));
}

/*
 * Reads a frame. With it comes what lies below it in its page: that is where its callers are, mostly, and a read costs
 * more than its bytes. Returns 0 if the frame could be read.
 */
static __always_inline int read_python_frame(struct python_walk *python, __u64 frame)
{
	const struct swprof_python *target = &python->target;
	__u64 start = frame, page = frame & ~4095ULL, end = frame + target->frame_size, size;

	if (frame >= python->window_start && end <= python->window_start + python->window_size) {
		python->place = (frame - python->window_start) / sizeof(__u64);
		return 0;
	}
	/* To 3.10, frames are objects. */
	if (target->position == SWPROF_PYTHON_POSITION_POINTER)
		start = end - page < sizeof(python->window) ? page : end - sizeof(python->window);
	size = end - start;
	if (size > sizeof(python->window) || read_user(python->window, size, start)) {
		start = frame;
		size = target->frame_size;
		if (size > SWPROF_PYTHON_FRAME_SIZE_MAX || read_user(python->window, size, start))
			return 1;
	}
	python->window_start = start;
	python->window_size = size;
	python->place = (frame - start) / sizeof(__u64);
	return 0;
}

/* Whether a run of the eval loop ends with the frame that was read last, before 3.12. */
static __always_inline bool is_python_entry(const struct python_walk *python)
{
	const struct swprof_python *target = &python->target;

	return target->anchor == SWPROF_PYTHON_ANCHOR_CFRAME &&
	       (!target->frame_entry || python_frame_byte(python, target->frame_entry) == 1);
}

/* Whether the frame that was read last is the entry of a run, which has no code of its own. */
static __always_inline bool is_python_shim(const struct python_walk *python)
{
	const struct swprof_python *target = &python->target;
	__u8 owner = python_frame_byte(python, target->frame_owner);

	return target->anchor == SWPROF_PYTHON_ANCHOR_SHIM &&
	       (owner == target->shim_owner || owner == target->other_shim_owner);
}

/* Whether the walk is at the frame that each chain ends with; before 3.15, at the end of the chain. */
static __always_inline bool is_python_base(const struct python_walk *python)
{
	const struct swprof_python *target = &python->target;

	return target->state_base_frame ? python->frame == python->state + target->state_base_frame : !python->frame;
}

/* Follows the chain by one frame. Returns 0 while there may be another one. */
__attribute__((noinline)) int python_step(void)
{
	struct python_walk *python = current_python();
	__u64 frame;

	if (!python)
		return 1;
	if (python->follows_tasks)
		return python_task_step();
	if (is_python_base(python))
		return 1;
	frame = python->frame;
	if (!frame || python->frames >= PYTHON_FRAMES_FOLLOWED || read_python_frame(python, frame)) {
		cut_python_walk(python, frame && python->frames < PYTHON_FRAMES_FOLLOWED ? SWPROF_PYTHON_UNREADABLE
											 : SWPROF_PYTHON_TRUNCATED);
		return 1;
	}
	python->frames += 1;
	python->frame = python_frame_word(python, python->target.frame_previous);
	if (is_python_shim(python))
		return end_python_run(python, frame);
	if (!python->is_cut && add_python_frame(python))
		return 1;
	if (frame == python->task_frame)
		return begin_python_tasks(python);
	return is_python_entry(python) && !python->is_cut ? end_python_cframe(python) : 0;
}

/* As walk_steps(). */
__attribute__((noinline)) int python_steps(void)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < PYTHON_STEPS_IN_A_ROW; i++)
		if (python_step())
			return 1;
	return 0;
}

/*
 * Whether the chain is that of a run which the thread is entering. 3.11 and 3.12 link the CFrame of a run first, and
 * then its frame, to that and to its caller: until then the chain makes no sense, or comes to its end too early.
 */
static __always_inline bool is_entering_run(const struct python_walk *python)
{
	const struct swprof_python *target = &python->target;

	if (python->is_cut)
		return !python->shown;
	if (target->anchor == SWPROF_PYTHON_ANCHOR_SHIM)
		return python->boundaries < 2;
	/* Behind the last run comes the CFrame that has none. */
	return python->cframe && read_python_word(python->cframe + target->cframe_previous);
}

/*
 * In 3.10 each frame is a run. The thread links the CFrame of a run first and then its frame, and unlinks them in the
 * same order: meanwhile there is one CFrame too many, or one too few, and each frame had that of another one. Begins
 * again without the run. Returns 0 when so.
 */
static __always_inline int leave_moving_run(struct python_walk *python)
{
	const struct swprof_python *target = &python->target;
	bool is_one_more = python->cframe && !is_root_cframe(python, python->cframe);
	__u64 frame, cframe;

	if (python->has_left_entry || python->is_cut || !python->shown || !(python->is_past_root || is_one_more))
		return 1;
	frame = read_python_word(python->state + target->state_frame);
	cframe = read_python_word(python->state + target->state_cframe);
	if (python->is_past_root)
		frame = frame ? read_python_word(frame + target->frame_previous) : 0;
	else
		cframe = read_python_word(cframe + target->cframe_previous);
	if (!frame)
		return 1;
	python->has_left_entry = 1;
	python->frame = frame;
	python->cframe = cframe;
	begin_python_frames(python, python->first_word);
	return 0;
}

/*
 * Begins again with the next run outwards where the thread is entering the loop, which is the native leaf then. Returns
 * 0 when so.
 */
__attribute__((noinline)) int leave_entered_run(void)
{
	struct python_walk *python = current_python();
	struct scratch *scratch = current_scratch();
	const struct swprof_python *target;
	__u64 cframe, outer;

	if (!python)
		return 1;
	target = &python->target;
	if (target->anchor == SWPROF_PYTHON_ANCHOR_CFRAME && !keeps_frame_in_cframe(python))
		return leave_moving_run(python);
	cframe = python_state_word(python, target->state_cframe);
	if (!keeps_frame_in_cframe(python) || python->has_left_entry || !scratch || scratch->walk.count < 2 ||
	    cframe < python->frame_addresses[0] || cframe >= python->frame_addresses[1] || !is_entering_run(python))
		return 1;
	outer = read_python_word(cframe + target->cframe_previous);
	python->frame = outer ? read_python_word(outer + target->cframe_frame) : 0;
	if (!python->frame)
		return 1;
	python->has_left_entry = 1;
	python->cframe = outer;
	begin_python_frames(python, python->first_word);
	return 0;
}

/*
 * Walks the Python frames of the thread with a thread pointer, and puts the records among the words of the stack, from
 * `first_word` on. Returns how many words they are.
 */
__attribute__((noinline)) __u32 walk_python(__u64 thread_pointer, __u32 first_word)
{
	struct python_walk *python = current_python();

	if (!python)
		return 0;
	if (!begin_python_walk(thread_pointer, first_word)) {
#pragma clang loop unroll(disable)
		for (int i = 0; i <= PYTHON_STEPS_MAX / PYTHON_STEPS_IN_A_ROW; i++)
			if (python_steps() && leave_entered_run())
				break;
		copy_python_codes();
	}
	return python->records <= SWPROF_PYTHON_RECORDS_MAX ? 2 * python->records : 0;
}

/* How the thread of the last walk stood to the lock. */
static __always_inline __u8 python_gil(void)
{
	struct python_walk *python = current_python();

	return python ? python->gil : SWPROF_GIL_UNKNOWN;
}

#endif
