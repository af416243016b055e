/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Integer types of records. */
#ifndef SWPROF_ABI_TYPES_H
#define SWPROF_ABI_TYPES_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#endif
