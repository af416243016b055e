/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The platform of a walk: kernel.bpf.h and python_codes.bpf.h in BPF programs, host.h in user space. Both define
 *
 * struct scratch with `struct walk walk`, `struct swprof_user_regs regs` and `__u64 frames[]`;
 * current_scratch(), which returns it or NULL;
 * read_user(to, size, address), which returns 0 if all bytes could be read;
 * walks_by_tables(), which is false if only frame pointers are used;
 * find_range(address), which moves walk->range to the published code at an address and returns 0 if there is any;
 * find_new_range(address), which does the same for code that is not published yet;
 * find_code_bounds(walk), which sets walk->lowest_code and walk->highest_code;
 * look_up_rule(scratch, address), which sets walk->rule and returns 0 if the table is there;
 * restore_return(walk), which undoes a uretprobe's change of walk->ip;
 * is_wide_process(), which tells whether a program that runs 32-bit code is itself 64-bit;
 * current_python(), which returns the struct python_walk or NULL;
 * keep_frame_address(index, address), which notes in it where on the stack a frame begins;
 * note_python_code(python, code, cookie), which notes that a code object is executed;
 * copy_python_codes(), which copies what those are called that were not seen before.
 */
#ifndef SWPROF_UNWIND_PLATFORM_H
#define SWPROF_UNWIND_PLATFORM_H

#ifdef __bpf__
#include "kernel.bpf.h"
#include "python_codes.bpf.h"
#else
#include "host.h"
#endif

#endif
