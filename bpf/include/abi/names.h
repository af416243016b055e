/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests for the names of kernel addresses. */
#ifndef SWPROF_ABI_NAMES_H
#define SWPROF_ABI_NAMES_H

#include "types.h"

/* Kernel addresses whose names are asked for. */
#define SWPROF_NAMES_AT_ONCE 64
#define SWPROF_NAME_SIZE 768 /* more than KSYM_SYMBOL_LEN */

struct swprof_names {
	__u64 count;
	__u64 addresses[SWPROF_NAMES_AT_ONCE];
	char texts[SWPROF_NAMES_AT_ONCE][SWPROF_NAME_SIZE]; /* each ends with a 0 */
};

#endif
