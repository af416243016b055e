/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What both sides of network profiling agree on: its configuration, its counters, its records and tables. */
#ifndef SWPROF_NETWORK_ABI_H
#define SWPROF_NETWORK_ABI_H

#include "common.h"

/* Indices of what exists for each direction. */
#define SWPROF_RECEIVED 0
#define SWPROF_SENT 1

#define SWPROF_PREFIX_SIZE 32 /* of the first bytes of a direction, by which its protocol is told */
#define SWPROF_PATH_SIZE 120 /* of an HTTP request, the query left out; longer ones are cut */
/* Times in whole microseconds: below 8 a bucket each, above eight buckets for each power of two. */
#define SWPROF_TIME_BUCKETS 240
#define SWPROF_PAYLOAD_MAX 4096

/* What counts calls and bytes. */
enum swprof_network_source {
	SWPROF_SOURCE_SOCKETS = 0, /* tracepoints of the socket layer */
	SWPROF_SOURCE_CALLS = 1, /* the ends of system calls */
};

/* The value of the map `phase`; each one is set when all that belongs to the one before has been done. */
enum swprof_network_phase {
	SWPROF_NETWORK_ARMING = 0, /* nobody is a target yet: programs are attached one by one */
	SWPROF_NETWORK_RUNNING = 1,
	SWPROF_NETWORK_ENDING = 2, /* nobody is a target any more; ends of connections are noted still */
	SWPROF_NETWORK_OVER = 3, /* nothing is noted any more */
};

/* Set before the programs are loaded, constant afterwards. */
struct swprof_network_config {
	__u64 slow_ns; /* requests of this length or more are slow */
	__u32 self; /* this process, which is never a target, as its own pid namespace numbers it */
	__u8 source; /* enum swprof_network_source */
	__u8 call_times; /* 0 or 1: measure how long system calls take */
	__u8 reads_tls; /* 0 or 1: calls of TLS libraries may be watched */
	__u8 keeps_samples; /* 0 or 1: requests that are slow or failed are sent */
	__u8 server_only; /* 0 or 1: only requests that a process answers are summed up */
	__u8 near_bits; /* log2 of how many places `near_connections` has; 0: it is not used */
	__u8 reserved[2];
	__u32 payload_bytes; /* of each message that are sent; 0: none */
	__u32 tick_ns; /* the length of a jiffy */
	__u32 reserved_tail;
};
_Static_assert(sizeof(struct swprof_network_config) == 32, "layout");

/* Bits of the values of the map `needs`: programs that are attached once a target needs them. */
#define SWPROF_NEED_SENDING 1 /* begin_send */
#define SWPROF_NEED_PACKETS 2 /* copy_packet */
#define SWPROF_NEED_LENGTHS 4 /* send_length */

/* Keys of the map `needs`. */
#define SWPROF_NEEDS_ASKED 0 /* by programs */
#define SWPROF_NEEDS_MET 1 /* attached, from the beginning or since */

/* Indices of `network_counters`: what was not seen, or not whole. */
enum swprof_network_counter {
	SWPROF_NETWORK_CONNECTIONS = 0, /* seen in all */
	SWPROF_NETWORK_CONNECTION_TABLE_FULL = 1, /* calls on further connections, that found no place */
	SWPROF_NETWORK_RECORD_LOST = 2, /* connections whose record found no room */
	SWPROF_NETWORK_SAMPLE_LOST = 3,
	SWPROF_NETWORK_PAYLOAD_LOST = 4,
	SWPROF_NETWORK_ENDPOINT_TABLE_FULL = 5, /* requests */
	SWPROF_NETWORK_UNREADABLE = 6, /* calls whose data could not be read */
	SWPROF_NETWORK_SKIPPED = 7, /* calls with more data than is looked at */
	SWPROF_NETWORK_PIPELINE_OVERFLOW = 8, /* requests */
	SWPROF_NETWORK_UNMATCHED = 9, /* answers without a request */
	SWPROF_NETWORK_MESSAGE_LOST = 10, /* messages whose head was seen, and whose end was not */
	SWPROF_NETWORK_TLS_UNBOUND = 11, /* calls of TLS libraries */
	SWPROF_NETWORK_PEER_TABLE_FULL = 12, /* requests that are in no histogram of an edge */
	SWPROF_NETWORK_TLS_BYSTANDERS = 13, /* calls of TLS libraries by processes that are no targets: no loss */
	SWPROF_NETWORK_EXEC_LOST = 14, /* programs that targets began, whose record found no room */
	SWPROF_NETWORK_THREAD_TABLE_FULL = 15, /* calls of threads that there was no memory for */
	SWPROF_NETWORK_CALL_TABLE_FULL = 16, /* calls that are in no distribution */
	SWPROF_NETWORK_UNPAIRED = 17, /* requests whose answer could not be told from others */
	SWPROF_NETWORK_COUNTER_MAX = 18,
};

#define SWPROF_CONNECTION_SEEDED 1 /* it is older than the capture */
#define SWPROF_CONNECTION_CLIENT 2 /* this process connected */
#define SWPROF_CONNECTION_SERVER 4 /* it accepted, or is bound and waits */
#define SWPROF_CONNECTION_FAILED 8 /* the attempt to connect */
#define SWPROF_CONNECTION_RESET_SENT 16
#define SWPROF_CONNECTION_RESET_RECEIVED 32
#define SWPROF_CONNECTION_TLS 64 /* its content came from a TLS library */
#define SWPROF_CONNECTION_CLOSED 128
#define SWPROF_CONNECTION_HTTP 256 /* a request or an answer was read */
#define SWPROF_CONNECTION_HTTP_SERVER 512 /* requests come in */
#define SWPROF_CONNECTION_SEEN 1024 /* by the pass at the end of the capture */
#define SWPROF_CONNECTION_TCP 2048 /* its struct sock is a struct tcp_sock; that of MPTCP is none */

/* TCP's own counters (struct tcp_sock). */
struct swprof_tcp {
	__u64 bytes_received;
	__u64 bytes_acked;
	__u32 retransmits; /* segments */
	__u32 round_trip_us; /* smoothed; 0: none measured */
	__u32 round_trip_min_us;
	__u32 is_known; /* 0 or 1 */
};
_Static_assert(sizeof(struct swprof_tcp) == 32, "layout");

/* A connection: the beginning of the values of the map `connections`, and the record of one that ended. */
struct swprof_connection {
	__u32 record; /* SWPROF_RECORD_CONNECTION */
	__u32 tgid;
	__u64 socket; /* the address of the kernel's struct sock */
	__u64 inode; /* of the socket, which tells it from others at the same address; 0: none yet */
	__u64 first_ns; /* when it was seen first, or the attempt to connect began */
	__u64 established_ns; /* 0: not seen */
	__u64 closed_ns; /* 0: not yet */
	__u64 connect_ns; /* how long connecting took; 0: not seen */
	__u64 accept_ns; /* from being established to being accepted; 0: not measured */
	__u64 close_ns; /* how long the closing call took; 0: not measured */
	__u64 bytes[2];
	__u64 calls[2];
	__u64 call_ns[2]; /* where call times are measured */
	__u64 call_max_ns[2];
	struct swprof_tcp tcp_before; /* when the connection was first seen */
	struct swprof_tcp tcp; /* when it ended, or the capture did */
	__u64 requests;
	__u64 finished[5]; /* by the first digit of the status */
	__u64 duration_ns; /* sums, over finished requests */
	__u64 duration_max_ns;
	__u64 first_byte_ns; /* over answered requests too, as all that follow */
	__u64 request_bytes;
	__u64 response_bytes;
	__u64 peer; /* what `peer_times` has requests of this connection under */
	__u64 peer_inode; /* of a unix socket's other end; 0: not known */
	__u32 peer_tgid; /* of a process on this host; 0: not known */
	__u32 flags; /* SWPROF_CONNECTION_* */
	__u32 drops; /* packets that the kernel dropped */
	__s32 fd; /* -1: not seen */
	__u32 netns; /* its inode */
	__u16 family;
	__u16 type; /* SOCK_STREAM and so on */
	__u16 local_port;
	__u16 remote_port;
	__u8 local[16]; /* IPv4 addresses as ::ffff:a.b.c.d; of unix sockets nothing */
	__u8 remote[16];
	__u32 prefix_bytes[2]; /* of the calls that the prefix comes from, whole */
	__u8 prefix[2][SWPROF_PREFIX_SIZE];
	__u8 prefix_size[2];
	__u8 error; /* errno of an attempt that failed, where known */
	__u8 reserved;
	char comm[SWPROF_COMM_SIZE];
	char peer_comm[SWPROF_COMM_SIZE];
	char path[60]; /* of a unix socket: its own or, of a client, its peer's; \0 first where it is abstract */
	/* Messages whose end TCP held back until earlier bytes were acknowledged, and for how long, in sum. */
	__u64 held;
	__u64 held_ns;
	__u64 answered[5]; /* by the first digit of the status: whose answer has begun, and has no end that was seen */
	__u64 ends_missed; /* of these, those whose end was lost to this program; the others went on, or were cut */
	__u64 unpaired; /* requests whose answer could not be told from others */
};
_Static_assert(sizeof(struct swprof_connection) == 608, "layout");

/* What requests are summed up by. */
struct swprof_endpoint_key {
	__u32 tgid;
	__u8 is_server; /* 0 or 1 */
	__u8 is_tls; /* 0 or 1 */
	__u8 method; /* enum http_method */
	__u8 reserved;
	__u64 path_hash; /* 0: paths that found no place of their own */
};
_Static_assert(sizeof(struct swprof_endpoint_key) == 16, "layout");

/* Values of the map `endpoints`. */
struct swprof_endpoint {
	__u64 requests; /* that began; with server_only, not all */
	__u64 finished[5]; /* by the first digit of the status */
	__u64 duration_ns;
	__u64 duration_max_ns;
	__u64 first_byte_ns;
	__u64 request_bytes;
	__u64 response_bytes;
	__u32 path_size; /* of the whole path, which may be longer than what is here */
	char comm[SWPROF_COMM_SIZE];
	char path[SWPROF_PATH_SIZE];
	__u32 times[SWPROF_TIME_BUCKETS];
	__u32 reserved;
	__u64 answered[5]; /* as those of a connection */
	__u64 ends_missed;
	__u64 unpaired;
};
_Static_assert(sizeof(struct swprof_endpoint) == 1248, "layout");

/* Values of the map `near_endpoints`; all zero where a place is free. */
struct swprof_near_endpoint {
	struct swprof_endpoint_key key;
	struct swprof_endpoint endpoint;
};
_Static_assert(sizeof(struct swprof_near_endpoint) == 1264, "layout");

struct swprof_peer_key {
	__u32 tgid;
	__u32 is_server;
	__u64 peer;
};
_Static_assert(sizeof(struct swprof_peer_key) == 16, "layout");

/* What the times of calls are kept by. */
struct swprof_call_key {
	__u32 tgid;
	__u32 direction; /* SWPROF_RECEIVED or SWPROF_SENT */
	__u64 peer;
};
_Static_assert(sizeof(struct swprof_call_key) == 16, "layout");

struct swprof_times {
	__u32 counts[SWPROF_TIME_BUCKETS];
};

/* Values of the map `near_peers`; all zero where a place is free. */
struct swprof_near_peer {
	struct swprof_peer_key key;
	struct swprof_times times;
};
_Static_assert(sizeof(struct swprof_near_peer) == 976, "layout");

/* The ends of an IP connection, as one of them sees it: the keys of the map `owners`. */
struct swprof_flow {
	__u8 local[16]; /* IPv4 addresses as ::ffff:a.b.c.d */
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	/* The network namespace's inode; 0: any. What stays within its namespace has no entry for any. */
	__u32 netns;
	__u32 type; /* SOCK_STREAM and so on */
};
_Static_assert(sizeof(struct swprof_flow) == 44, "layout");

/* A process that has an end. */
struct swprof_owner {
	__u32 tgid;
	char comm[SWPROF_COMM_SIZE];
	__u32 netns; /* of the end */
	__u32 is_ambiguous; /* 0 or 1: of an entry for any namespace, that several have had these ends */
};
_Static_assert(sizeof(struct swprof_owner) == 28, "layout");

enum swprof_network_record {
	SWPROF_RECORD_CONNECTION = 1,
	SWPROF_RECORD_SAMPLE = 2,
	SWPROF_RECORD_PAYLOAD = 3,
	SWPROF_RECORD_NEED = 4,
	SWPROF_RECORD_EXEC = 5,
};

/* The map `needs` has changed. */
struct swprof_need {
	__u32 record; /* SWPROF_RECORD_NEED */
	__u32 reserved;
};
_Static_assert(sizeof(struct swprof_need) == 8, "layout");

/* A target runs another program: what that encrypts with is to be found at once. */
struct swprof_exec {
	__u32 record; /* SWPROF_RECORD_EXEC */
	__u32 tgid;
};
_Static_assert(sizeof(struct swprof_exec) == 8, "layout");

/* A request that was slow or failed. */
struct swprof_request_sample {
	__u32 record; /* SWPROF_RECORD_SAMPLE */
	__u32 tgid;
	__u64 socket;
	__u64 inode;
	struct swprof_endpoint_key endpoint;
	__u64 started_ns; /* CLOCK_MONOTONIC */
	__u64 duration_ns;
	__u64 first_byte_ns;
	__u64 request_bytes;
	__u64 response_bytes;
	__u32 request_number; /* of the messages of that direction on the connection */
	__u32 response_number;
	__u16 status;
	__u16 remote_port;
	__u16 family;
	__u16 is_endless; /* 0 or 1: the end of the answer was not seen; there is no duration then */
	__u8 remote[16];
	char comm[SWPROF_COMM_SIZE];
	char path[SWPROF_PATH_SIZE];
};
_Static_assert(sizeof(struct swprof_request_sample) == 248, "layout");

/* The beginning of a message; followed by `size` bytes. */
struct swprof_payload {
	__u32 record; /* SWPROF_RECORD_PAYLOAD */
	__u32 size;
	__u64 socket;
	__u64 inode;
	__u32 number; /* of the messages of that direction on the connection */
	__u32 direction; /* SWPROF_RECEIVED or SWPROF_SENT */
};
_Static_assert(sizeof(struct swprof_payload) == 32, "layout");

#endif
