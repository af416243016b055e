/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks user stacks in the kernel. A sampler fills `scratch->regs` and calls walk_user_stack(). The frames are then in
 * `frames[0..count)` from leaf to root, and `end` says how the walk ended.
 *
 * If prepare_python() has found the process to run Python, walk_python() and place_python() follow.
 */
#ifndef SWPROF_UNWIND_USER_STACKS_BPF_H
#define SWPROF_UNWIND_USER_STACKS_BPF_H

#include "compat.h"
#include "kernel.bpf.h"
#include "python_places.h"
#include "track/pythons.bpf.h"
#include "walk.h"

/* Returns 1 if a process runs Python; call before its stack is walked. */
__attribute__((noinline)) int prepare_python(__u32 tgid)
{
	struct python_walk *python = current_python();
	struct scratch *scratch = current_scratch();
	struct swprof_python *target = python_of(tgid);

	if (!scratch || !python)
		return 0;
	scratch->walk.keeps_frame_addresses = target ? 1 : 0;
	if (target)
		python->target = *target;
	python->tgid = tgid;
	return scratch->walk.keeps_frame_addresses;
}

/* Whether Python code was seen on this CPU that was not copied, and user space was not woken for it. */
static __always_inline bool has_new_python_code(void)
{
	struct python_walk *python = current_python();

	return python && python->has_new_code;
}

/* User space is woken for it. */
static __always_inline void forget_new_python_code(void)
{
	struct python_walk *python = current_python();

	if (python)
		python->has_new_code = 0;
}

/*
 * Walks the user stack of a task from `scratch->regs`, the registers with which it left, or will return to, user mode.
 */
static __always_inline void walk_user_stack(struct scratch *scratch, __u32 tgid)
{
	struct swprof_code_map *map = NULL;

	if (walks_by_tables()) {
		map = code_map_of(tgid);
		scratch->walk.map.count = 0;
		if (map)
			scratch->walk.map = *map;
	}
	if (arch_is_compat(&scratch->regs)) {
		walk_compat_stack(scratch);
		return;
	}
	walk_from(scratch);
	/* The leaf's code may come to be known. */
	if (walks_by_tables() && !map && scratch->walk.count == 1 && scratch->walk.end == SWPROF_STACK_UNMAPPED)
		scratch->walk.end = SWPROF_STACK_NOT_READY;
}

/* Reads the registers with which a task left user mode. Returns 0 when it has any. */
static __always_inline int read_user_registers(struct scratch *scratch, struct task_struct *task)
{
	/* Within execve the old program is gone and the new one not laid out yet: registers of nothing. */
	if (BPF_CORE_READ(task, mm, end_code) == 0)
		return 1;
	return bpf_probe_read_kernel(&scratch->regs, sizeof(scratch->regs), (void *)bpf_task_pt_regs(task)) != 0;
}

#endif
