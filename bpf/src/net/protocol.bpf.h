/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The protocol of a connection: keeps the first bytes of each direction, and decides whether a call is read. */
#ifndef SWPROF_NET_PROTOCOL_BPF_H
#define SWPROF_NET_PROTOCOL_BPF_H

#include "connections.bpf.h"
#include "endpoints.bpf.h"
#include "pairing.h"
#include "proto/parser.h"
#include "scratch.bpf.h"
#include "target_bits.bpf.h"

/* After so many calls that cannot begin HTTP, a connection counts as one of another protocol. */
#define ATTEMPTS_MAX 16
#define ATTEMPTS_MAX_SEEDED 200

/* Decides the protocol of a connection by the first chunk of a call. Returns whether the call is read. */
static __always_inline bool decide_protocol(struct connection *connection, struct scratch *scratch, __u32 direction)
{
	struct swprof_connection *shared = &connection->shared;
	bool is_answer = false;
	enum protocol protocol;

	protocol = parser_protocol_of(scratch->chunk.bytes, scratch->chunk.length, &is_answer);
	if (protocol == PROTOCOL_UNREAD) {
		connection->protocol = PROTOCOL_UNREAD;
		return false;
	}
	if (protocol == PROTOCOL_UNDECIDED) {
		connection->attempts += 1;
		if (connection->attempts >=
		    (shared->flags & SWPROF_CONNECTION_SEEDED ? ATTEMPTS_MAX_SEEDED : ATTEMPTS_MAX))
			connection->protocol = PROTOCOL_UNREAD;
		return false;
	}
	if (is_answer == (direction == SWPROF_SENT))
		shared->flags |= SWPROF_CONNECTION_HTTP_SERVER;
	/* Without the program that reads answers, each request would get the answer of a later one. */
	if (shared->family == AF_UNIX && !is_met(SWPROF_NEED_LENGTHS)) {
		need(SWPROF_NEED_LENGTHS);
		return false;
	}
	connection->protocol = protocol;
	parser_resume(&connection->streams[0]);
	parser_resume(&connection->streams[1]);
	__builtin_memset(&connection->pairing, 0, sizeof(connection->pairing));
	if (is_http_server(connection))
		return true;
	if (network.server_only) {
		connection->protocol = PROTOCOL_UNREAD;
		return false;
	}
	if (is_tcp(shared))
		need(SWPROF_NEED_SENDING);
	return true;
}

/*
 * Whether the data of a call is read; its first chunk is in the scratch buffer. Decides the protocol, and finds the
 * next message if the end of the last one is unknown.
 */
__attribute__((noinline)) int may_read(struct connection *connection, struct scratch *scratch)
{
	struct swprof_connection *shared;
	__u32 direction, length;

	if (!connection || !scratch)
		return 0;
	shared = &connection->shared;
	direction = scratch->direction & 1;
	length = scratch->chunk.length;
	if (connection->protocol == PROTOCOL_UNREAD)
		return 0;
	if (parser_exists(connection->protocol)) {
		if (!parser_is_seeking(&connection->streams[direction]))
			return 1;
		/* Answers are read again from the next request on. */
		if (is_response(connection, direction))
			return 0;
		if (parser_may_begin(scratch->chunk.bytes, length, 0) &&
		    pairing_resume(&connection->pairing, scratch->is_sending)) {
			parser_resume(&connection->streams[direction]);
			return 1;
		}
		/* The preamble of another protocol may look like HTTP. */
		if (!(shared->flags & SWPROF_CONNECTION_HTTP) && ++connection->attempts >= ATTEMPTS_MAX)
			connection->protocol = PROTOCOL_UNREAD;
		return 0;
	}
	return decide_protocol(connection, scratch, direction);
}

/* Keeps the first bytes of a direction. */
__attribute__((noinline)) int keep_prefix(struct connection *connection, struct scratch *scratch)
{
	__u32 direction, size;

	if (!connection || !scratch)
		return 0;
	direction = scratch->direction & 1;
	size = connection->shared.prefix_size[direction];
	for (__u32 i = 0; i < SWPROF_PREFIX_SIZE; i++) {
		if (size >= SWPROF_PREFIX_SIZE || i >= scratch->chunk.length)
			break;
		connection->shared.prefix[direction][size & (SWPROF_PREFIX_SIZE - 1)] = scratch->chunk.bytes[i];
		size++;
	}
	connection->shared.prefix_size[direction] = size;
	connection->has_prefix[direction] = size >= SWPROF_PREFIX_SIZE;
	connection->shared.prefix_bytes[direction] += scratch->length;
	return 0;
}

/* Whether no more bytes of a direction are needed. */
static __always_inline bool is_done(struct connection *connection, __u32 direction)
{
	return connection->protocol == PROTOCOL_UNREAD && connection->has_prefix[direction & 1];
}

#endif
