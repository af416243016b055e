/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of a walk of Python frames. */
#ifndef SWPROF_UNWIND_PYTHON_STATE_H
#define SWPROF_UNWIND_PYTHON_STATE_H

#include "abi/stacks.h"
#include "../plain_c.h"

/* Powers of two, so that an offset can be cut to what there is. */
#define PYTHON_FRAME_WORDS 16
#define PYTHON_CODE_WORDS 32
_Static_assert(PYTHON_FRAME_WORDS * sizeof(__u64) >= SWPROF_PYTHON_FRAME_SIZE_MAX, "room");
_Static_assert(PYTHON_CODE_WORDS * sizeof(__u64) >= SWPROF_PYTHON_CODE_SIZE_MAX, "room");

struct python_walk {
	struct swprof_python target;
	__u64 state; /* the thread state */
	__u64 frame; /* the one that comes next; 0: none */
	__u64 cframe; /* of the run at hand; 0: not known */
	__u64 hash; /* of the records */
	__u32 frames; /* that were followed */
	__u32 shown; /* of them, those that have records */
	__u32 first_word; /* where among the words of the stack the records begin */
	__u32 records;
	__u32 boundaries;
	__u32 gil; /* enum swprof_gil */
	__u32 is_cut; /* 0 or 1: frames are left out up to the end of the run at hand */
	__u32 placed; /* boundaries that have their native frames */
	__u32 native; /* where among them the next one is looked for */
	__u64 frame_words[PYTHON_FRAME_WORDS];
	__u64 code_words[PYTHON_CODE_WORDS];
	__u8 boundary_records[SWPROF_PYTHON_RECORDS_MAX]; /* which records are boundaries */
	/* Where on the stack each native frame begins, and its callee's ends. */
	__u64 frame_addresses[SWPROF_USER_FRAMES_MAX];
};

#endif
