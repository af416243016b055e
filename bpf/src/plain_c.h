/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Types, bool and __always_inline, for headers that compile for BPF and for the host. */
#ifndef SWPROF_PLAIN_C_H
#define SWPROF_PLAIN_C_H

#include "abi/types.h"
#ifdef __bpf__
#include <bpf/bpf_helpers.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <sys/cdefs.h>
#endif

#endif
