/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the walk of Python frames share: reads of the target, and the list of records. */
#ifndef SWPROF_UNWIND_PYTHON_RECORDS_H
#define SWPROF_UNWIND_PYTHON_RECORDS_H

#include "platform.h"
#include "steps.h"

/* The last place of a record among the words of a stack. */
#define PYTHON_PLACE_MAX (SWPROF_USER_FRAMES_MAX + SWPROF_PYTHON_WORDS_MAX - 2)

/* Fields of the frame that was read last, and of its code, whatever their offsets are. */
static __always_inline __u64 python_frame_word(const struct python_walk *python, __u32 offset)
{
	return python->window[(python->place + offset / sizeof(__u64)) & (PYTHON_WINDOW_WORDS - 1)];
}

static __always_inline __s32 python_frame_index(const struct python_walk *python, __u32 offset)
{
	return ((const __s32 *)
			python->window)[(2 * python->place + offset / sizeof(__s32)) & (2 * PYTHON_WINDOW_WORDS - 1)];
}

static __always_inline __u8 python_frame_byte(const struct python_walk *python, __u32 offset)
{
	return ((const __u8 *)python->window)[(8 * python->place + offset) & (8 * PYTHON_WINDOW_WORDS - 1)];
}

static __always_inline __u64 python_code_word(const struct python_walk *python, __u32 offset)
{
	return python->code_words[offset / sizeof(__u64) & (PYTHON_CODE_WORDS - 1)];
}

static __always_inline __u32 python_code_number(const struct python_walk *python, __u32 offset)
{
	return ((const __u32 *)python->code_words)[offset / sizeof(__u32) & (2 * PYTHON_CODE_WORDS - 1)];
}

static __always_inline void begin_python_records(struct python_walk *python, __u32 first_word)
{
	python->first_word = first_word;
	python->records = 0;
	python->boundaries = 0;
	python->placed = 0;
	python->native = 0;
}

/* Appends a record to the words of the stack. Returns 0 if there is room for another one. */
static __always_inline int add_python_record(struct python_walk *python, __u64 first, __u64 second)
{
	struct scratch *scratch = current_scratch();
	__u32 index = python->records, place = python->first_word + 2 * index;

	/* Without this the compiler compares something else, and the verifier sees no limit. */
	__asm__ volatile("" : "+r"(place));
	if (!scratch || index >= SWPROF_PYTHON_RECORDS_MAX || place > PYTHON_PLACE_MAX)
		return 1;
	if (index + 1 >= SWPROF_PYTHON_RECORDS_MAX)
		first = SWPROF_PYTHON_TRUNCATED;
	scratch->frames[place] = first;
	scratch->frames[place + 1] = second;
	if (first == SWPROF_PYTHON_BOUNDARY) {
		python->boundary_records[python->boundaries & (PYTHON_BOUNDARIES_MAX - 1)] = index;
		python->boundaries += 1;
	}
	python->hash = hash_frame(python->hash, first ^ second << 17 ^ second >> 47);
	python->records = index + 1;
	return index + 1 >= SWPROF_PYTHON_RECORDS_MAX;
}

static __always_inline __u64 read_python_word(__u64 address)
{
	__u64 value;

	return address && !read_user(&value, sizeof(value), address) ? value : 0;
}

/* A word of the thread's state; most of those that count lie at its beginning. */
static __always_inline __u64 python_state_word(const struct python_walk *python, __u32 offset)
{
	if (offset >= sizeof(python->state_words))
		return read_python_word(python->state + offset);
	return python->state_words[offset / sizeof(__u64) & (PYTHON_STATE_WORDS - 1)];
}

/* Which unit of its bytecode the instruction at an address is. */
static __always_inline __u32 python_unit_at(const struct swprof_python *target, __u64 code, __u64 instruction)
{
	__u64 start = code + target->code_bytecode;

	return instruction < start || instruction - start > 0x7fffffff ? SWPROF_PYTHON_UNIT_NONE
								       : (instruction - start) / 2;
}

static __always_inline __u32 python_cookie(const struct python_walk *python)
{
	const struct swprof_python *target = &python->target;

	return SWPROF_PYTHON_COOKIE(python_code_number(python, target->code_argument_count),
				    python_code_number(python, target->code_keyword_count),
				    python_code_number(python, target->code_flags),
				    python_code_number(python, target->code_first_line));
}

#endif
