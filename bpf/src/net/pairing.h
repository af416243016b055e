/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pairs the answers of a connection with its requests. Plain C, like the parsers: tests compile it for the host.
 *
 * HTTP/1 answers come in the order of the requests, so a queue is enough as long as every byte is seen. Bytes get lost:
 * memory that cannot be read, calls with too much data, files that the kernel sends. The rules then are:
 *
 *	- An answer is paired with a request only if that is certain. Else, the request is counted as unpaired.
 *	- While the framing of the answers is lost, no request waits. If an answer had begun, its request is closed with
 *	  the status of that. The other requests are unpaired.
 *	- A client that does not pipeline reads an answer whole before it sends the next request. So answers begin again
 *	  with the next request, and the first one belongs to it.
 *	- If a client pipelines, the next answer may belong to any request. Later requests are counted, never paired.
 *	- An answer that begins while no request waits has no request. No later request gets it.
 *
 * A client pipelines if a request comes while another one waits. That does not count while an answer is on its way that
 * was not read yet (`is_sending`): a server's thread may still be in the call that sends it.
 */
#ifndef SWPROF_NET_PAIRING_H
#define SWPROF_NET_PAIRING_H

#include "proto/parser.h"

#define PAIRING_WAITING_MAX 16 /* requests that wait for their answer; a power of two */

/* The request of the answer that is being read. */
enum pairing_answer {
	ANSWER_NONE = 0, /* none is being read */
	ANSWER_PAIRED, /* of the oldest request that waits */
	ANSWER_UNKEPT, /* of a request that found no room */
	ANSWER_ORPHAN, /* of a request that was not seen */
};

/* What becomes of a request. */
enum pairing_fate {
	REQUEST_WAITS = 0, /* at the index pairing_newest() */
	REQUEST_UNKEPT, /* the queue is full; its answer will be left out */
	REQUEST_UNPAIRED, /* its answer may be another one's */
	REQUEST_ANSWERED, /* its answer was read before it, as ANSWER_ORPHAN */
};

/* All zero before the first request. */
struct pairing {
	__u32 pushed; /* requests that were put into the queue */
	__u32 popped; /* and taken from it */
	__u32 unkept; /* requests behind them */
	__u8 answer; /* enum pairing_answer */
	__u8 answered; /* requests to come whose answers were read before them */
	__u8 is_pipelined; /* 0 or 1, like all fields below: the client pipelines */
	__u8 is_mute; /* no further request is paired */
	__u8 is_bodiless; /* one of the unkept requests has an answer without a body */
	__u8 is_early; /* the answer to the next request may have passed before it */
	__u8 is_resumed; /* the next request is the first after requests may have been lost */
	__u8 reserved;
};

_Static_assert(sizeof(struct pairing) == 20, "layout");

static __always_inline bool pairing_waits(const struct pairing *pairing)
{
	return pairing->pushed != pairing->popped;
}

static __always_inline __u32 pairing_oldest(const struct pairing *pairing)
{
	return pairing->popped & (PAIRING_WAITING_MAX - 1);
}

static __always_inline __u32 pairing_newest(const struct pairing *pairing)
{
	return (pairing->pushed - 1) & (PAIRING_WAITING_MAX - 1);
}

/*
 * Whether to read requests again from here on. Not while a request waits: a part of its body may look like a request.
 * If an answer is on its way, it may belong to a request that was not seen.
 */
static __always_inline bool pairing_resume(struct pairing *pairing, bool is_sending)
{
	if (pairing_waits(pairing) || pairing->unkept)
		return false;
	if (is_sending)
		pairing->is_mute = 1;
	pairing->is_resumed = 1;
	return true;
}

/*
 * An answer begins before the head of its request was read to the end: a server may refuse a head that is too long. If
 * requests may have been lost before, the answer may belong to one of them.
 */
static __always_inline void pairing_refuse(struct pairing *pairing)
{
	if (pairing->is_resumed)
		pairing->is_mute = 1;
}

/* Ends the orphan that is being read: it turns out to answer HEAD, and so has no body. */
static __always_inline void pairing_end_orphan(struct pairing *pairing, struct parser_stream *answers)
{
	if (pairing->answer != ANSWER_ORPHAN || parser_is_opaque(answers))
		return;
	pairing->answer = ANSWER_NONE;
	parser_resume(answers);
}

/* A request is on its way while an orphan is being read. The next answer may already be part of that. */
static __always_inline void pairing_note_sending(struct pairing *pairing)
{
	if (pairing->answer == ANSWER_ORPHAN && !pairing_waits(pairing))
		pairing->is_early = 1;
}

/* Decides whether a client pipelines, and where answers begin again. Returns whether the next answer can be paired. */
static __always_inline bool pairing_settle(struct pairing *pairing, struct parser_stream *answers, bool is_sending)
{
	bool is_resumed = pairing->is_resumed;

	pairing->is_resumed = 0;
	if (pairing->is_mute)
		return false;
	/* The answer to a request that was not seen may come first. */
	if (is_resumed && is_sending) {
		pairing->is_mute = 1;
		return false;
	}
	if (parser_is_seeking(answers)) {
		if (pairing->is_pipelined) {
			pairing->is_mute = 1;
			return false;
		}
		if (is_sending || pairing->is_early) {
			pairing->is_early = 0;
			return false;
		}
		parser_resume(answers);
		return true;
	}
	if (pairing->is_early) {
		pairing->is_early = 0;
		if (pairing->answer == ANSWER_ORPHAN && !parser_is_opaque(answers)) {
			pairing->answer = ANSWER_NONE;
			parser_seek(answers);
		}
		return false;
	}
	if (is_sending)
		return true;
	if (pairing_waits(pairing) || pairing->unkept)
		pairing->is_pipelined = 1;
	else
		pairing_end_orphan(pairing, answers);
	return true;
}

/* Adds a request. `answers` is the stream of the other direction. */
static __always_inline enum pairing_fate pairing_add(struct pairing *pairing, struct parser_stream *answers,
						     __u8 method, bool is_sending)
{
	if (pairing->answered) {
		pairing->answered -= 1;
		pairing->is_early = 0;
		if (method == HTTP_HEAD)
			pairing_end_orphan(pairing, answers);
		return REQUEST_ANSWERED;
	}
	if (!pairing_settle(pairing, answers, is_sending))
		return REQUEST_UNPAIRED;
	if (pairing->unkept || pairing->pushed - pairing->popped >= PAIRING_WAITING_MAX) {
		pairing->unkept += 1;
		if (method == HTTP_HEAD || method == HTTP_CONNECT)
			pairing->is_bodiless = 1;
		return REQUEST_UNKEPT;
	}
	pairing->pushed += 1;
	return REQUEST_WAITS;
}

/* Begins a final answer. `is_sending`: a request is on its way that was not read yet. */
static __always_inline void pairing_begin_answer(struct pairing *pairing, bool is_sending)
{
	if (pairing_waits(pairing)) {
		pairing->answer = ANSWER_PAIRED;
	} else if (pairing->unkept) {
		pairing->answer = ANSWER_UNKEPT;
	} else {
		pairing->answer = ANSWER_ORPHAN;
		if (!is_sending || pairing->is_mute)
			return;
		if (pairing->is_pipelined || pairing->answered)
			pairing->is_mute = 1;
		else
			pairing->answered = 1;
	}
}

/* Whether an answer that has just begun may have no body. The start of the next answer is then unknown. */
static __always_inline bool pairing_doubts_body(const struct pairing *pairing, const struct parser_stream *answers)
{
	return pairing->answer == ANSWER_UNKEPT && pairing->is_bodiless && parser_has_body(answers);
}

/* Ends an answer, and the oldest request if the answer belongs to it. */
static __always_inline void pairing_end_answer(struct pairing *pairing)
{
	if (pairing->answer == ANSWER_PAIRED)
		pairing->popped += 1;
	if (pairing->answer == ANSWER_UNKEPT && !--pairing->unkept)
		pairing->is_bodiless = 0;
	pairing->answer = ANSWER_NONE;
}

/*
 * The framing of the answers is lost. The caller then ends the answer that was being read, and removes the requests
 * that wait by pairing_drop().
 */
static __always_inline void pairing_lose_answers(struct pairing *pairing, bool is_sending)
{
	__u32 outstanding = pairing->pushed - pairing->popped + pairing->unkept;

	if (is_sending && !outstanding)
		pairing->is_early = 1;
	if (outstanding > 1)
		pairing->is_mute = 1;
	pairing->unkept = 0;
	pairing->is_bodiless = 0;
}

/* Removes the oldest request that waits. Returns whether there was one. */
static __always_inline bool pairing_drop(struct pairing *pairing)
{
	if (!pairing_waits(pairing))
		return false;
	pairing->popped += 1;
	return true;
}

/* The framing of the requests is lost: requests behind those that wait may go unseen. */
static __always_inline void pairing_lose_requests(struct pairing *pairing)
{
	if (pairing->is_pipelined || pairing_waits(pairing) || pairing->unkept)
		pairing->is_mute = 1;
}

#endif
