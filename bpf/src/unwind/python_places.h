/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds for the end of each run of the eval loop which native frame it belongs to: something that the loop keeps on its
 * stack is known, and so is where each native frame begins.
 */
#ifndef SWPROF_UNWIND_PYTHON_PLACES_H
#define SWPROF_UNWIND_PYTHON_PLACES_H

#include "python.h"

/* How many native frames are looked at in one step. */
#define NATIVES_AT_ONCE 16
/* find_python_native() has not found it yet. */
#define NATIVE_NOT_FOUND 0xfffe

/*
 * Counts the native frames up to the one that has an address of the stack, from the frame on that the last one was
 * found at.
 */
static __always_inline __u32 find_python_native(struct python_walk *python, __u32 count, __u64 address)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < NATIVES_AT_ONCE; i++) {
		__u32 native = python->native, next = native + 1;

		/* Where the last one ends is not known. */
		if (next >= count)
			return SWPROF_PYTHON_DETACHED;
		/* Without this the compiler drops the limits, and the verifier sees none. */
		__asm__ volatile("" : "+r"(native), "+r"(next));
		if (address >= python->frame_addresses[native & (SWPROF_USER_FRAMES_MAX - 1)] &&
		    address < python->frame_addresses[next & (SWPROF_USER_FRAMES_MAX - 1)])
			return next;
		python->native = next;
	}
	return NATIVE_NOT_FOUND;
}

/* Completes a boundary, or looks at some native frames for it. Returns 0 while there are more boundaries. */
__attribute__((noinline)) int place_python_boundary(void)
{
	struct python_walk *python = current_python();
	struct scratch *scratch = current_scratch();
	__u32 index, place, found;
	__u64 address;

	if (!python || !scratch)
		return 1;
	index = python->placed;
	if (index >= python->boundaries)
		return 1;
	place = python->first_word + 2 * python->boundary_records[index & (PYTHON_BOUNDARIES_MAX - 1)];
	__asm__ volatile("" : "+r"(place));
	if (place > PYTHON_PLACE_MAX)
		return 1;
	address = scratch->frames[place + 1] >> 16;
	found = find_python_native(python, scratch->walk.count, address);
	if (found == NATIVE_NOT_FOUND)
		return 0;
	scratch->frames[place + 1] = SWPROF_PYTHON_END(address, found);
	python->placed = index + 1;
	return 0;
}

/* As walk_steps(). */
__attribute__((noinline)) int place_python_boundaries(void)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < PYTHON_STEPS_IN_A_ROW; i++)
		if (place_python_boundary())
			return 1;
	return 0;
}

/* Completes the boundaries among the records of a walk, by the native frames of the last native walk. */
__attribute__((noinline)) int place_python(void)
{
#pragma clang loop unroll(disable)
	for (int i = 0;
	     i <= (SWPROF_PYTHON_RECORDS_MAX + SWPROF_USER_FRAMES_MAX / NATIVES_AT_ONCE) / PYTHON_STEPS_IN_A_ROW; i++)
		if (place_python_boundaries())
			break;
	return 0;
}

#endif
