/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the words of a stack, through a window of several words. */
#ifndef SWPROF_UNWIND_STACK_WORDS_H
#define SWPROF_UNWIND_STACK_WORDS_H

#include "platform.h"
#include "walk_reads.h"

/* Moves the window so that a word of a stack, and the one above it, are in it. Returns 0 when they could be read. */
static __always_inline int move_window(struct walk *walk, __u64 place)
{
	__u64 offset = place - walk->window_start;

	if (offset <= sizeof(walk->window) - 2 * sizeof(__u64) && offset % sizeof(__u64) == 0)
		return 0;
	walk->window_start = place;
	if (!read_user(walk->window, sizeof(walk->window), place))
		return 0;
	walk->window_start = NO_WINDOW;
	return 1;
}

static __always_inline __u64 word_in_window(const struct walk *walk, __u64 place)
{
	return walk->window[(place - walk->window_start) / sizeof(__u64) % WINDOW_WORDS];
}

/* Reads a word of a stack, for once. Returns 0 when it could be read. */
static __always_inline int peek_word(struct walk *walk, __u64 *word, __u64 place)
{
	if (move_window(walk, place))
		/* What lies above may not be there. */
		return read_user(word, sizeof(*word), place);
	*word = word_in_window(walk, place);
	return 0;
}

/* Reads a word of a stack. Returns 0 when it could be read. */
static __always_inline int read_word(struct walk *walk, __u64 *word, __u64 place)
{
	if (peek_word(walk, word, place))
		return 1;
	keep_read(walk, place, *word);
	return 0;
}

/* Reads two words of a stack, for once. Returns 0 when they could be read. */
static __always_inline int read_pair(struct walk *walk, struct saved_frame *frame, __u64 place)
{
	if (move_window(walk, place))
		return read_user(frame, sizeof(*frame), place);
	frame->bp = word_in_window(walk, place);
	frame->ip = word_in_window(walk, place + sizeof(frame->bp));
	return 0;
}

/* Reads what lies side by side where the usual prologue has saved it. Returns 0 when it could be read. */
static __always_inline int read_frame(struct walk *walk, struct saved_frame *frame, __u64 place)
{
	if (read_pair(walk, frame, place))
		return 1;
	keep_bp_place(walk, place);
	keep_read(walk, place + sizeof(frame->bp), frame->ip);
	return 0;
}

#endif
