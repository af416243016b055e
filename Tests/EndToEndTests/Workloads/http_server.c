/*
 * Truth: an HTTP/1.1 server that answers by path, each connection in a thread of its own.
 * Usage: http_server 127.0.0.1|::1|/a/socket/path [in-pieces] [together] [without-waiting] [mptcp]. Prints "ready" and its
 * port, and of each connection, once it has ended, "connection requests N mean_us M p99_us P": the time from the first
 * byte of a request that was read to the last byte of its answer that was written. Runs until it is killed.
 *
 *   /ok/MS       sleeps that long, then answers 200
 *   /status/NNN  answers so; 204 and 304 have no body, nor has the answer to HEAD
 *   /chunked     a body of three chunks, in several writes
 *   /big         a megabyte in one write; /sendfile the same by sendfile, /writev by one writev with the head
 *   /pieces      the body in 40 writes
 *   /close       a body that ends with the connection
 *   /continue    100 before the body is read, then 200
 *
 * "in-pieces" writes heads in three parts. "together" writes the answers to all requests that one read has brought at
 * once. "without-waiting" has little room for what is sent, gives the kernel all it has, and the same bytes again where
 * it took only some or none. "mptcp" listens for MPTCP.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BIG = 1 << 20, REQUESTS_MAX = 10000 };

static char big[BIG];
static int big_file, protocol;
static bool in_pieces, together, without_waiting;

struct connection {
	int fd;
	size_t start, end; /* of what was read and not used */
	char input[1 << 16];
	size_t held; /* of the output that waits */
	char output[1 << 16];
	double times[REQUESTS_MAX];
	int requests;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static bool put(struct connection *connection, const char *bytes, size_t size)
{
	while (size) {
		struct pollfd room = {.fd = connection->fd, .events = POLLOUT};
		ssize_t count = send(connection->fd, bytes, size, without_waiting ? MSG_DONTWAIT : 0);

		if (count < 0 && errno == EAGAIN && poll(&room, 1, -1) == 1)
			continue;
		if (count <= 0)
			return false;
		bytes += count;
		size -= count;
	}
	return true;
}

static bool flush(struct connection *connection)
{
	size_t size = connection->held;

	connection->held = 0;
	return put(connection, connection->output, size);
}

/* Writes, or keeps it for the answers that follow. */
static bool answer(struct connection *connection, const char *bytes, size_t size)
{
	if (!together)
		return put(connection, bytes, size);
	if (connection->held + size > sizeof(connection->output) && !flush(connection))
		return false;
	memcpy(connection->output + connection->held, bytes, size);
	connection->held += size;
	return true;
}

static bool answer_head(struct connection *connection, const char *head)
{
	size_t size = strlen(head);

	if (!in_pieces)
		return answer(connection, head, size);
	/* Within the status line, and within the empty line. */
	return answer(connection, head, 4) && answer(connection, head + 4, size - 6) &&
	       answer(connection, head + size - 2, 2);
}

static bool fill(struct connection *connection)
{
	ssize_t count;

	if (connection->start == connection->end)
		connection->start = connection->end = 0;
	if (connection->start > sizeof(connection->input) / 2) {
		memmove(connection->input, connection->input + connection->start, connection->end - connection->start);
		connection->end -= connection->start;
		connection->start = 0;
	}
	if (connection->held && !flush(connection))
		return false;
	count = read(connection->fd, connection->input + connection->end,
		     sizeof(connection->input) - connection->end - 1);
	if (count <= 0)
		return false;
	connection->end += count;
	return true;
}

/* Reads up to the end of a line, which is left out; NULL at the end of the connection. */
static char *read_line(struct connection *connection)
{
	for (;;) {
		char *from = connection->input + connection->start, *end;

		end = memmem(from, connection->end - connection->start, "\r\n", 2);
		if (end) {
			*end = 0;
			connection->start = end + 2 - connection->input;
			return from;
		}
		if (!fill(connection))
			return NULL;
	}
}

static bool skip_bytes(struct connection *connection, size_t size)
{
	for (;;) {
		size_t there = connection->end - connection->start, count = there < size ? there : size;

		connection->start += count;
		size -= count;
		if (!size)
			return true;
		if (!fill(connection))
			return false;
	}
}

static bool skip_chunks(struct connection *connection)
{
	for (;;) {
		char *line = read_line(connection);
		size_t size;

		if (!line)
			return false;
		size = strtoul(line, NULL, 16);
		if (!skip_bytes(connection, size + 2))
			return false;
		if (!size)
			return true;
	}
}

static bool answer_big(struct connection *connection, const char *head, const char *path)
{
	struct iovec parts[2] = {{(void *)head, strlen(head)}, {big, BIG}};
	off_t offset = 0;
	ssize_t count;

	if (!strcmp(path, "/writev")) {
		count = writev(connection->fd, parts, 2);
		if (count < (ssize_t)parts[0].iov_len)
			return false;
		count -= parts[0].iov_len;
		return put(connection, big + count, BIG - count);
	}
	if (!answer_head(connection, head) || !flush(connection))
		return false;
	if (!strcmp(path, "/big"))
		return put(connection, big, BIG);
	while (offset < BIG)
		if (sendfile(connection->fd, big_file, &offset, BIG - offset) <= 0)
			return false;
	return true;
}

static bool answer_in_pieces(struct connection *connection, bool is_chunked)
{
	char size[16];

	for (int i = 0; i < 40; i++) {
		if (is_chunked && i == 3)
			return answer(connection, "0\r\n", 3) && answer(connection, "\r\n", 2);
		sprintf(size, "%x\r\n", 1000);
		if (is_chunked && !answer(connection, size, strlen(size)))
			return false;
		if (!answer(connection, big, 1000) || (is_chunked && !answer(connection, "\r\n", 2)))
			return false;
	}
	return true;
}

/* Returns whether another request may follow. */
static bool respond(struct connection *connection, const char *path, bool is_head)
{
	int status = 200, size = 12, sleep_ms = 0;
	char head[256];

	sscanf(path, "/ok/%d", &sleep_ms);
	sscanf(path, "/status/%d", &status);
	if (sleep_ms)
		usleep(sleep_ms * 1000);
	if (!strcmp(path, "/chunked"))
		return answer_head(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") &&
		       (is_head || answer_in_pieces(connection, true));
	if (!strcmp(path, "/close")) {
		if (answer_head(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n") && !is_head)
			answer_in_pieces(connection, false);
		return false;
	}
	if (!strcmp(path, "/big") || !strcmp(path, "/sendfile") || !strcmp(path, "/writev"))
		size = BIG;
	if (!strcmp(path, "/pieces"))
		size = 40000;
	if (status == 204)
		sprintf(head, "HTTP/1.1 204 No Content\r\n\r\n");
	else
		sprintf(head, "HTTP/1.1 %d Whatever\r\nSet-Cookie: taste=secret-cookie\r\nContent-Length: %d\r\n\r\n",
			status, size);
	if (is_head || status == 204 || status == 304)
		return answer_head(connection, head);
	if (size == BIG)
		return answer_big(connection, head, path);
	if (!answer_head(connection, head))
		return false;
	return size == 12 ? answer(connection, "hello world\n", 12) : answer_in_pieces(connection, false);
}

/* Returns whether another request may follow. */
static bool serve_request(struct connection *connection)
{
	size_t body = 0;
	bool is_chunked = false, is_head, goes_on;
	char path[200] = "", *line;
	double started;

	if (connection->start == connection->end && !fill(connection))
		return false;
	started = now_us();
	line = read_line(connection);
	if (!line || sscanf(line, "%*s %199s", path) != 1)
		return false;
	is_head = !strncmp(line, "HEAD ", 5);
	for (;;) {
		line = read_line(connection);
		if (!line)
			return false;
		if (!*line)
			break;
		sscanf(line, "Content-Length: %zu", &body);
		if (!strcmp(line, "Transfer-Encoding: chunked"))
			is_chunked = true;
	}
	if (!strcmp(path, "/continue") &&
	    (!answer_head(connection, "HTTP/1.1 100 Continue\r\n\r\n") || !flush(connection)))
		return false;
	if (is_chunked ? !skip_chunks(connection) : !skip_bytes(connection, body))
		return false;
	goes_on = respond(connection, path, is_head);
	if (connection->requests < REQUESTS_MAX)
		connection->times[connection->requests++] = now_us() - started;
	return goes_on;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void *serve(void *argument)
{
	struct connection *connection = argument;
	double sum = 0;
	int count, rank;

	while (serve_request(connection))
		;
	flush(connection);
	close(connection->fd);
	count = connection->requests;
	for (int i = 0; i < count; i++)
		sum += connection->times[i];
	qsort(connection->times, count, sizeof(double), compare);
	rank = (count * 99 + 99) / 100;
	if (count)
		printf("connection requests %d mean_us %.0f p99_us %.0f\n", count, sum / count,
		       connection->times[rank - 1]);
	free(connection);
	return NULL;
}

static int listen_at(const char *place)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	socklen_t size = sizeof(six);
	int fd, port = 0;

	if (*place == '/') {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strncpy(path.sun_path, place, sizeof(path.sun_path) - 1);
		if (bind(fd, (struct sockaddr *)&path, sizeof(path)) || listen(fd, 512))
			return -1;
	} else if (strchr(place, ':')) {
		fd = socket(AF_INET6, SOCK_STREAM, protocol);
		inet_pton(AF_INET6, place, &six.sin6_addr);
		if (bind(fd, (struct sockaddr *)&six, sizeof(six)) || listen(fd, 512))
			return -1;
		getsockname(fd, (struct sockaddr *)&six, &size);
		port = ntohs(six.sin6_port);
	} else {
		fd = socket(AF_INET, SOCK_STREAM, protocol);
		inet_pton(AF_INET, place, &four.sin_addr);
		size = sizeof(four);
		if (bind(fd, (struct sockaddr *)&four, size) || listen(fd, 512))
			return -1;
		getsockname(fd, (struct sockaddr *)&four, &size);
		port = ntohs(four.sin_port);
	}
	printf("ready %d\n", port);
	return fd;
}

int main(int argc, char **argv)
{
	pthread_attr_t attributes;
	int listener, one = 1, little = 4096;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i++) {
		in_pieces |= !strcmp(argv[i], "in-pieces");
		together |= !strcmp(argv[i], "together");
		without_waiting |= !strcmp(argv[i], "without-waiting");
		if (!strcmp(argv[i], "mptcp"))
			protocol = IPPROTO_MPTCP;
	}
	memset(big, 'x', BIG);
	big_file = memfd_create("big", 0);
	if (argc < 2 || write(big_file, big, BIG) != BIG)
		return 2;
	listener = listen_at(argv[1]);
	if (listener < 0)
		return 2;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (;;) {
		struct connection *connection = calloc(1, sizeof(*connection));
		pthread_t thread;

		connection->fd = accept(listener, NULL, NULL);
		if (connection->fd < 0)
			return 2;
		setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (without_waiting)
			setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
		if (pthread_create(&thread, &attributes, serve, connection))
			return 2;
	}
}
