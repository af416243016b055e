/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles the kernel side's walks for user space: what they ask for comes from a struct swprof_walk_source. */
#include "CUnwinding.h"

#include "../../bpf/src/unwind/walk.h"
#ifdef ARCH_HAS_COMPAT_WALK
#include "../../bpf/src/unwind/compat.h"
#endif

void swprof_walk(const struct swprof_walk_source *source, const __u64 registers[SWPROF_REGISTER_COUNT],
		 struct swprof_walk_result *result)
{
	struct scratch scratch = {.source = source, .frames = result->frames};

	arch_set_registers(&scratch.regs, registers);
	walking = &scratch;
	walk_from(&scratch);
	walking = NULL;
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
	result->count = scratch.walk.count;
	result->end = scratch.walk.end;
}
