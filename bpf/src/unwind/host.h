/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The platform of a walk in user space: a struct swprof_walk_source. A thread walks one stack at a time. Included by
 * CUnwinding.
 */
#ifndef SWPROF_UNWIND_HOST_H
#define SWPROF_UNWIND_HOST_H

#include "CUnwinding.h"
#include "python_state.h"
#include "walk_state.h"

struct scratch {
	struct walk walk;
	struct swprof_user_regs regs;
	const struct swprof_walk_source *source;
	__u64 *frames;
	struct python_walk *python;
};

/* The walk that this thread is in. */
static _Thread_local struct scratch *walking;

static inline struct scratch *current_scratch(void)
{
	return walking;
}

static inline struct python_walk *current_python(void)
{
	return walking->python;
}

static inline void keep_frame_address(__u32 index, __u64 address)
{
	walking->python->frame_addresses[index] = address;
}

/* Whoever walks here asks for the names at once. */
static inline void note_python_code(struct python_walk *python, __u64 code, __u32 cookie)
{
}

static inline void copy_python_codes(void)
{
}

static inline bool walks_by_tables(void)
{
	return true;
}

static inline int read_user(void *to, __u32 size, __u64 address)
{
	return walking->source->read(walking->source->context, to, size, address);
}

static inline int find_range(__u64 address)
{
	return walking->source->find_range(walking->source->context, address, &walking->walk.range);
}

/* All code is known here. */
static inline int find_new_range(__u64 address)
{
	return 1;
}

static inline void find_code_bounds(struct walk *walk)
{
	walk->lowest_code = walking->source->lowest_code;
	walk->highest_code = walking->source->highest_code;
}

static inline int look_up_rule(struct scratch *scratch, __u64 address)
{
	return scratch->source->find_rule(scratch->source->context, scratch->walk.range.module, address,
					  &scratch->walk.rule);
}

/* Only the kernel knows the return addresses that its probes have replaced. */
static inline void restore_return(struct walk *walk)
{
}

static inline bool is_wide_process(void)
{
	return walking->source->is_wide;
}

#endif
