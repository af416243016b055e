/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which request of a connection an answer belongs to. Plain C, like the parsers: tests compile it for the host.
 *
 * HTTP/1 answers come in the order of the requests, so a queue is enough as long as every byte is seen. Bytes get lost:
 * memory that cannot be read, calls with too much data, files that the kernel sends. The rules then are:
 *
 *	- No answer is paired with a request of which it is not certain. What is not certain is counted instead.
 *	- While the framing of the answers is lost, no request waits. The one whose answer had begun is closed with its
 *	  status; of the others it is only known that their answer was not seen.
 *	- A client that does not pipeline reads an answer whole before it sends the next request. So answers begin again
 *	  with the next request, and the first one is its own.
 *	- Of a client that pipelines, nobody knows which answer comes next. Later requests are counted, never paired.
 *	- An answer that begins while no request waits has none: no later request gets it, however late it ends.
 *
 * A client pipelines if a request comes while another one waits, unless an answer is on its way that nobody has looked
 * at yet (`is_sending`): a server's thread may still be in the call that sends it.
 */
#ifndef SWPROF_NET_PAIRING_H
#define SWPROF_NET_PAIRING_H

#include "proto/parser.h"

#define PAIRING_WAITING_MAX 16 /* requests that wait for their answer; a power of two */

/* Whose the answer is that is being read. */
enum pairing_answer {
	ANSWER_NONE = 0, /* none is being read */
	ANSWER_PAIRED, /* of the oldest request that waits */
	ANSWER_UNKEPT, /* of a request for which there was no room */
	ANSWER_ORPHAN, /* of a request that was not seen */
};

/* What becomes of a request. */
enum pairing_fate {
	REQUEST_WAITS = 0, /* at the place that pairing_newest() tells */
	REQUEST_UNKEPT, /* behind more than there is room for; its answer will be left out */
	REQUEST_UNPAIRED, /* its answer cannot be told from others */
	REQUEST_ANSWERED, /* its answer was read before it, as an orphan */
};

/* All zero before the first request. */
struct pairing {
	__u32 pushed; /* requests that were put into the queue */
	__u32 popped; /* and taken from it */
	__u32 unkept; /* requests behind them */
	__u8 answer; /* enum pairing_answer */
	__u8 answered; /* requests to come whose answer was read before them */
	__u8 is_pipelined; /* 0 or 1, as all that follow: the client pipelines */
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
 * Whether a request may begin where one is looked for: while others are answered, a body may look like one. An answer
 * that is on its way then may be to one that was not seen.
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
 * An answer has begun behind the first line of a request that has not been read to its end; a server may refuse a head
 * that is too long. Where requests may have been lost before, the answer may be to one of them.
 */
static __always_inline void pairing_refuse(struct pairing *pairing)
{
	if (pairing->is_resumed)
		pairing->is_mute = 1;
}

/* The answer without a request that is being read has ended with its head: it is one to HEAD, which was not known. */
static __always_inline void pairing_end_orphan(struct pairing *pairing, struct parser_stream *answers)
{
	if (pairing->answer != ANSWER_ORPHAN || parser_is_opaque(answers))
		return;
	pairing->answer = ANSWER_NONE;
	parser_resume(answers);
}

/* An answer goes on while a request is on its way: if nobody knows where it ends, the next one may be part of it. */
static __always_inline void pairing_note_sending(struct pairing *pairing)
{
	if (pairing->answer == ANSWER_ORPHAN && !pairing_waits(pairing))
		pairing->is_early = 1;
}

/* Finds out whether a client pipelines, and where answers begin again. Returns whether an answer can be told. */
static __always_inline bool pairing_settle(struct pairing *pairing, struct parser_stream *answers, bool is_sending)
{
	bool is_resumed = pairing->is_resumed;

	pairing->is_resumed = 0;
	if (pairing->is_mute)
		return false;
	/* The answer to one that was not seen may come first. */
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

/* A request has come. `answers` is the stream of the other direction. */
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

/* A final answer begins. `is_sending`: a request is on its way that nobody has looked at yet. */
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

/* Whether the body of an answer that has just begun may be none: it is then not known where the next one begins. */
static __always_inline bool pairing_doubts_body(const struct pairing *pairing, const struct parser_stream *answers)
{
	return pairing->answer == ANSWER_UNKEPT && pairing->is_bodiless && parser_has_body(answers);
}

/* An answer is over; the oldest request with it, where it was that one's. */
static __always_inline void pairing_end_answer(struct pairing *pairing)
{
	if (pairing->answer == ANSWER_PAIRED)
		pairing->popped += 1;
	if (pairing->answer == ANSWER_UNKEPT && !--pairing->unkept)
		pairing->is_bodiless = 0;
	pairing->answer = ANSWER_NONE;
}

/*
 * The framing of the answers is lost. The caller then ends the answer that was being read, and takes the requests that
 * wait with pairing_drop().
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

/* Takes a request that waits without an answer. Returns whether there was one. */
static __always_inline bool pairing_drop(struct pairing *pairing)
{
	if (!pairing_waits(pairing))
		return false;
	pairing->popped += 1;
	return true;
}

/* The framing of the requests is lost: some of them may not be seen, behind those that wait. */
static __always_inline void pairing_lose_requests(struct pairing *pairing)
{
	if (pairing->is_pipelined || pairing_waits(pairing) || pairing->unkept)
		pairing->is_mute = 1;
}

#endif
