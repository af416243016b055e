/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records the words that a walk reads, if the including file defines WALK_KEEPS_READS: while they are unchanged, the
 * stack is. See struct walk_reads.
 */
#ifndef SWPROF_UNWIND_WALK_READS_H
#define SWPROF_UNWIND_WALK_READS_H

#include "walk_state.h"

static __always_inline void forget_reads(struct walk *walk)
{
#ifdef WALK_KEEPS_READS
	walk->reads.count = 0;
	walk->reads.uses_bp = 0;
	walk->reads.bp_place = 0;
#endif
}

static __always_inline void keep_read(struct walk *walk, __u64 place, __u64 value)
{
#ifdef WALK_KEEPS_READS
	__u32 index = walk->reads.count & (WALK_READS_MAX - 1);

	walk->reads.places[index] = place;
	walk->reads.values[index] = value;
	walk->reads.count += 1;
#endif
}

/* Records the address from which walk->bp was read. */
static __always_inline void keep_bp_place(struct walk *walk, __u64 place)
{
#ifdef WALK_KEEPS_READS
	walk->reads.bp_place = place;
#endif
}

/* Records that a walk uses walk->bp. */
static __always_inline void keep_bp(struct walk *walk)
{
#ifdef WALK_KEEPS_READS
	if (walk->reads.bp_place)
		keep_read(walk, walk->reads.bp_place, walk->bp);
	else
		walk->reads.uses_bp = 1;
#endif
}

/* Records that a walk uses something other than these words: its stack cannot be cached. */
static __always_inline void keep_no_reads(struct walk *walk)
{
#ifdef WALK_KEEPS_READS
	walk->reads.count += WALK_READS_MAX + 1;
#endif
}

#endif
