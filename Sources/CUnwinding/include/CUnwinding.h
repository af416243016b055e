/* The walks of bpf/src/unwind over any memory and any code, for user space. */
#pragma once

#include "../../../bpf/src/arch/arch.h"
#include "abi/stacks.h"
#include "abi/tables.h"

/* What a walk goes through. Each function returns 0 when it found what was asked for. */
struct swprof_walk_source {
	void *context; /* passed to each function */
	int (*read)(void *context, void *to, __u32 size, __u64 address);
	int (*find_range)(void *context, __u64 address, struct swprof_code_range *range);
	/* The rule at an ELF virtual address, in a range whose module is not 0. */
	int (*find_rule)(void *context, __u32 module, __u64 address, struct swprof_unwind_rule *rule);
	__u64 lowest_code; /* all code lies from here on */
	__u64 highest_code; /* and below this */
	__u32 is_wide; /* 0 or 1: the program is 64-bit, whichever code it runs */
	/* The Python side: walked for a thread, or only placed among the native frames. Neither if both are NULL. */
	const struct swprof_python *python; /* how to find the frames */
	__u64 thread_pointer;
	const __u64 *python_records; /* those of another walk, see abi/python.h */
	__u32 python_words; /* of `python_records`, at most SWPROF_PYTHON_WORDS_MAX */
};

struct swprof_walk_result {
	__u32 count; /* of the frames, from leaf to root; marks among them */
	__u32 end; /* enum swprof_stack_end */
	__u32 python_words; /* behind the frames */
	__u32 gil; /* enum swprof_gil */
	__u64 frames[SWPROF_USER_FRAMES_MAX + SWPROF_PYTHON_WORDS_MAX];
};

/* Walks from registers, which are given by their DWARF numbers; the last one is rip. Python frames behind them. */
void swprof_walk(const struct swprof_walk_source *source, const __u64 registers[SWPROF_REGISTER_COUNT],
		 struct swprof_walk_result *result);
/* The same for the stack of 32-bit code, from eip, esp and ebp among them. */
void swprof_walk_compat(const struct swprof_walk_source *source, const __u64 registers[SWPROF_REGISTER_COUNT],
			struct swprof_walk_result *result);
