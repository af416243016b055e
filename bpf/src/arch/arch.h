/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Selects the header of the machine that the programs and the stacks are for. Each defines what x86_64.h defines. */
#ifndef SWPROF_ARCH_H
#define SWPROF_ARCH_H

#if defined(__TARGET_ARCH_x86) || (!defined(__bpf__) && defined(__x86_64__))
#include "x86_64.h"
#elif defined(__TARGET_ARCH_arm64) || (!defined(__bpf__) && defined(__aarch64__))
#include "arm64.h"
#else
#error "no header for this machine"
#endif

#endif
