/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles the kernel side's walks for user space: what they ask for comes from a struct swprof_walk_source. */
#include "CUnwinding.h"

#include "../../bpf/src/unwind/python_places.h"
#include "../../bpf/src/unwind/walk.h"
#ifdef ARCH_HAS_COMPAT_WALK
#include "../../bpf/src/unwind/compat.h"
#endif

/* Adds the Python side to the native frames of a walk. Returns how many words it has. */
static __u32 add_python(struct scratch *scratch)
{
	const struct swprof_walk_source *source = scratch->source;
	struct python_walk *python = scratch->python;
	__u32 words = source->python_words;

	if (source->python) {
		python->target = *source->python;
		words = walk_python(source->thread_pointer, scratch->walk.count);
	} else {
		words = words > SWPROF_PYTHON_WORDS_MAX ? SWPROF_PYTHON_WORDS_MAX : words;
		begin_python_records(python, scratch->walk.count);
		for (__u32 i = 0; i + 1 < words; i += 2)
			add_python_record(python, source->python_records[i], source->python_records[i + 1]);
		words = 2 * python->records;
	}
	place_python();
	return words;
}

void swprof_walk(const struct swprof_walk_source *source, const __u64 registers[SWPROF_REGISTER_COUNT],
		 struct swprof_walk_result *result)
{
	struct scratch scratch = {.source = source, .frames = result->frames};
	struct python_walk python;

	arch_set_registers(&scratch.regs, registers);
	/* Of the rest, nothing is read before it is written. */
	python.gil = SWPROF_GIL_UNKNOWN;
	python.hash = 0;
	scratch.python = &python;
	scratch.walk.keeps_frame_addresses = source->python || source->python_records;
	walking = &scratch;
	walk_from(&scratch);
	result->python_words = scratch.walk.keeps_frame_addresses ? add_python(&scratch) : 0;
	walking = NULL;
	result->gil = python.gil;
	result->count = scratch.walk.count;
	result->end = scratch.walk.end;
}

void swprof_walk_compat(const struct swprof_walk_source *source, const __u64 registers[SWPROF_REGISTER_COUNT],
			struct swprof_walk_result *result)
{
	struct scratch scratch = {.source = source, .frames = result->frames};

	arch_set_registers(&scratch.regs, registers);
	walking = &scratch;
	walk_compat_stack(&scratch);
	walking = NULL;
	result->python_words = 0;
	result->gil = SWPROF_GIL_UNKNOWN;
	result->count = scratch.walk.count;
	result->end = scratch.walk.end;
}
