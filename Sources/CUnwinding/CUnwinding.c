/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compiles the kernel side's walk for user space: what steps.h asks for comes
 * from a struct swprof_walk_source. */
#include <stdbool.h>
#include <stddef.h>

#include "CUnwinding.h"

#include "../../bpf/src/unwind/walk_state.h"

struct swprof_user_regs {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, ip, sp;
};

struct scratch {
	struct walk walk;
	struct swprof_user_regs regs;
	const struct swprof_walk_source *source;
	__u64 *frames;
};

/* The walk that this thread is in. */
static _Thread_local struct scratch *walking;

static struct scratch *current_scratch(void)
{
	return walking;
}

static bool walks_by_tables(void)
{
	return true;
}

static int read_user(void *to, __u32 size, __u64 address)
{
	return walking->source->read(walking->source->context, to, size, address);
}

static int find_range(__u64 address)
{
	return walking->source->find_range(walking->source->context, address, &walking->walk.range);
}

/* All code is known here. */
static int find_new_range(__u64 address)
{
	return 1;
}

static void find_code_bounds(struct walk *walk)
{
	walk->lowest_code = walking->source->lowest_code;
	walk->highest_code = walking->source->highest_code;
}

static int look_up_rule(struct scratch *scratch, __u64 address)
{
	return scratch->source->find_rule(scratch->source->context, scratch->walk.range.module, address,
					  &scratch->walk.rule);
}

/* Only the kernel knows the return addresses that its probes have replaced. */
static void restore_return(struct walk *walk)
{
}

#include "../../bpf/src/unwind/walk.h"

void swprof_walk(const struct swprof_walk_source *source, const __u64 registers[17], struct swprof_walk_result *result)
{
	struct scratch scratch = {.source = source, .frames = result->frames};

	scratch.regs = (struct swprof_user_regs){
		.ax = registers[0],
		.dx = registers[1],
		.cx = registers[2],
		.bx = registers[3],
		.si = registers[4],
		.di = registers[5],
		.bp = registers[6],
		.sp = registers[7],
		.r8 = registers[8],
		.r9 = registers[9],
		.r10 = registers[10],
		.r11 = registers[11],
		.r12 = registers[12],
		.r13 = registers[13],
		.r14 = registers[14],
		.r15 = registers[15],
		.ip = registers[16],
	};
	walking = &scratch;
	walk_from(&scratch);
	walking = NULL;
	result->count = scratch.walk.count;
	result->end = scratch.walk.end;
}
