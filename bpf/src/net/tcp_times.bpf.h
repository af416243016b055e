/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When TCP received and sent a message: a program reads it later, and its last bytes may leave later. */
#ifndef SWPROF_NET_TCP_TIMES_BPF_H
#define SWPROF_NET_TCP_TIMES_BPF_H

#include "connections.bpf.h"
#include "endpoints.bpf.h"
#include "flow.bpf.h"
#include "scratch.bpf.h"

/* A longer wait is none: the memory of the socket belongs to another one by then. */
#define WAIT_NS_MAX (3600ULL * 1000000000)
#define NAGLE_DISABLED 7 /* TCP_NAGLE_OFF, _CORK and _PUSH (include/net/tcp.h) */

/* How long ago one of TCP's times in jiffies was, to a jiffy. */
static __always_inline __u64 age_of(__u32 jiffies)
{
	return (__u64)((__u32)bpf_jiffies64() - jiffies) * network.tick_ns;
}

/*
 * When the last data that was received arrived: all of it had arrived by then.
 *
 * tcp_mstamp is the time in us of the last packet, and of each acknowledgement that a timer or a read sends. lrcvtime
 * is the time in jiffies of the last data. tcp_mstamp is used if both agree, else lrcvtime.
 */
static __always_inline __u64 arrival_of(struct connection *connection, __u64 now)
{
	struct sock *sk = (struct sock *)connection->shared.socket;
	__u64 stamp = FIELD(struct tcp_sock, sk, tcp_mstamp) * 1000;
	__u64 age = age_of(FIELD(struct inet_connection_sock, sk, icsk_ack.lrcvtime));
	__u64 arrival, since = now - stamp;

	if (age > WAIT_NS_MAX || age > now)
		return now;
	if (stamp <= now && since <= age + network.tick_ns && since + network.tick_ns >= age)
		arrival = stamp;
	else
		arrival = now - age;
	/* Jiffies are coarse. A request comes after the answer to the one before it, and after its connection. */
	if (arrival < connection->last_ns[SWPROF_SENT])
		arrival = connection->last_ns[SWPROF_SENT];
	if (arrival < connection->shared.established_ns)
		arrival = connection->shared.established_ns;
	return arrival < now ? arrival : now;
}

/*
 * After a call that sent: notes whether TCP holds back the end of a message, less than a packet, until earlier bytes
 * are acknowledged (Nagle's algorithm, RFC 896). A full congestion or receive window does not count.
 */
__attribute__((noinline)) int begin_hold(struct connection *connection, __u32 unsent)
{
	struct tcp_sock *tcp;
	__u32 packets, sent;

	if (!connection || network.server_only || !parser_exists(connection->protocol) ||
	    !parser_is_between(&connection->streams[SWPROF_SENT]))
		return 0;
	tcp = (struct tcp_sock *)connection->shared.socket;
	packets = FIELD(struct tcp_sock, tcp, packets_out);
	sent = FIELD(struct tcp_sock, tcp, snd_nxt) - FIELD(struct tcp_sock, tcp, snd_una);
	if (!packets || packets >= FIELD(struct tcp_sock, tcp, snd_cwnd) ||
	    unsent >= FIELD(struct tcp_sock, tcp, mss_cache) || sent + unsent > FIELD(struct tcp_sock, tcp, snd_wnd) ||
	    BPF_CORE_READ_BITFIELD_PROBED(tcp, nonagle) & NAGLE_DISABLED)
		return 0;
	connection->hold_ns = bpf_ktime_get_ns();
	return 0;
}

/* After a call that sent over TCP; its last byte comes before TCP's sequence number `end`. */
static __always_inline void note_unsent(struct connection *connection, __u32 end, __u32 next)
{
	/* From now on, TCP's time of its last packet belongs to this call. */
	connection->hold_ns = 0;
	if (end != next)
		begin_hold(connection, end - next);
}

/* TCP holds nothing back any more. Counts how long it did, if that exceeds the resolution of TCP's times. */
static __always_inline void end_hold(struct connection *connection, struct sock *sk, __u64 now)
{
	__u64 age, since = connection->hold_ns;

	if (!since)
		return;
	connection->hold_ns = 0;
	/* Since data was sent last. */
	age = age_of(FIELD(struct tcp_sock, sk, lsndtime));
	if (age >= now || now - age < since + network.tick_ns)
		return;
	connection->shared.held += 1;
	connection->shared.held_ns += now - age - since;
}

/* A message begins in data that was received over TCP. */
__attribute__((noinline)) int receive_message(struct connection *connection, struct scratch *scratch)
{
	if (!connection || !scratch)
		return 0;
	end_hold(connection, (struct sock *)connection->shared.socket, scratch->now);
	if (is_http_server(connection))
		connection->message_ns[SWPROF_RECEIVED] = arrival_of(connection, scratch->now);
	return 0;
}

#endif
