/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a walk stands on: the kernel's in BPF programs, and what user space reads for it in CUnwinding. Both define
 *
 * struct scratch, which has `struct walk walk`, `struct swprof_user_regs regs` and `__u64 frames[]`, and
 * current_scratch(), which returns it or NULL; read_user(to, size, address), which returns 0 when all could be read;
 * walks_by_tables(), false where frame pointers alone are gone by;
 * find_range(address), which moves walk->range and returns 0 when there is code; find_code_bounds(walk);
 * find_new_range(address), the same for code that was not published;
 * look_up_rule(scratch, address), which sets walk->rule and returns 0 when the table is there;
 * restore_return(walk), which puts the address that a probe has replaced into walk->ip;
 * is_wide_process(), whether a program that runs 32-bit code is itself 64-bit.
 */
#ifndef SWPROF_UNWIND_PLATFORM_H
#define SWPROF_UNWIND_PLATFORM_H

#ifdef __bpf__
#include "kernel.bpf.h"
#else
#include "host.h"
#endif

#endif
