/*
 * Truth: an HTTP/1.1 client that counts what it sends and receives.
 * Usage: http_client OPTION… PLACE PATH[*COUNT]…, where PLACE is PORT, [PORT] for ::1, or the path of a unix socket.
 * Sends the requests one by one over one connection and prints in the end
 * "requests N bytes_sent A bytes_received B mean_us M p99_us P". Exits with 1 where an answer is missing.
 *
 *   -c N       does so over that many connections at the same time, each in a thread
 *   -n         a new connection for each request
 *   -p N       sends N requests at once before it reads their answers
 *   -s         sends each byte of a head by itself
 *   -m METHOD  instead of GET
 *   -b N       sends a body of so many bytes; -u in chunks, without their number
 *   -h LINE    a further line for each head
 *   -k         looks ahead (MSG_PEEK) before it reads
 *   -t         throws bodies of a known length away unread (MSG_TRUNC)
 *   -M         connects with MPTCP
 *   -l         prints "sent" and waits for SIGUSR1 before it reads the first answer
 *   -w         prints "ready" and waits for SIGUSR1 before it connects; -W before it sends
 *   -f         sends the second half of the requests from a child that has inherited the connection
 *   -o         keeps the connection open in the end, until it is killed
 *   -P VERSION begins each connection with a preamble of the PROXY protocol: 1 or 2; 1s and 2s in two writes
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REQUESTS_MAX = 20000, PIPELINE_MAX = 64 };

static const char *place, *method = "GET", *line = "", *preamble = "";
static int connections = 1, pipeline = 1, protocol;
static size_t body_size;
static bool reopens, splits, chunks, peeks, truncates;
static bool reads_late, waits_first, waits_then, forks, stays_open;
static const char *paths[REQUESTS_MAX];
static int path_count;

/* Shared with the child. */
static struct {
	long requests, sent, received, failed;
	double times[REQUESTS_MAX];
} *truth;

struct connection {
	int fd;
	size_t start, end;
	char input[1 << 16];
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int open_connection(void)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, one = 1, error;

	if (*place == '/') {
		strncpy(path.sun_path, place, sizeof(path.sun_path) - 1);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		error = connect(fd, (struct sockaddr *)&path, sizeof(path));
	} else if (*place == '[') {
		six.sin6_port = htons(atoi(place + 1));
		fd = socket(AF_INET6, SOCK_STREAM, protocol);
		error = connect(fd, (struct sockaddr *)&six, sizeof(six));
	} else {
		four.sin_port = htons(atoi(place));
		fd = socket(AF_INET, SOCK_STREAM, protocol);
		error = connect(fd, (struct sockaddr *)&four, sizeof(four));
	}
	if (error) {
		perror("connect");
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static bool put(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);

		if (count <= 0)
			return false;
		__sync_fetch_and_add(&truth->sent, count);
		bytes += count;
		size -= count;
	}
	return true;
}

static bool fill(struct connection *connection)
{
	ssize_t count;
	char ahead[100];

	if (connection->start == connection->end)
		connection->start = connection->end = 0;
	if (connection->start > sizeof(connection->input) / 2) {
		memmove(connection->input, connection->input + connection->start, connection->end - connection->start);
		connection->end -= connection->start;
		connection->start = 0;
	}
	if (peeks)
		recv(connection->fd, ahead, sizeof(ahead), MSG_PEEK);
	count = recv(connection->fd, connection->input + connection->end,
		     sizeof(connection->input) - connection->end - 1, 0);
	if (count <= 0)
		return false;
	__sync_fetch_and_add(&truth->received, count);
	connection->end += count;
	return true;
}

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

static bool skip_bytes(struct connection *connection, size_t size, bool is_thrown)
{
	for (;;) {
		size_t there = connection->end - connection->start, count = there < size ? there : size;
		ssize_t thrown;

		connection->start += count;
		size -= count;
		if (!size)
			return true;
		if (is_thrown) {
			thrown = recv(connection->fd, NULL, size, MSG_TRUNC);
			if (thrown <= 0)
				return false;
			__sync_fetch_and_add(&truth->received, thrown);
			size -= thrown;
			if (!size)
				return true;
		} else if (!fill(connection)) {
			return false;
		}
	}
}

static bool skip_chunks(struct connection *connection)
{
	for (;;) {
		char *text = read_line(connection);
		size_t size;

		if (!text)
			return false;
		size = strtoul(text, NULL, 16);
		if (!skip_bytes(connection, size + 2, false))
			return false;
		if (!size)
			return true;
	}
}

static bool read_answer(struct connection *connection)
{
	int status = 0;

	do {
		long length = -1;
		bool is_chunked = false, has_body;
		char *text = read_line(connection);

		if (!text || sscanf(text, "HTTP/1.1 %d", &status) != 1)
			return false;
		while ((text = read_line(connection)) && *text) {
			sscanf(text, "Content-Length: %ld", &length);
			is_chunked |= !strcmp(text, "Transfer-Encoding: chunked");
		}
		if (!text)
			return false;
		has_body = status >= 200 && status != 204 && status != 304 && strcmp(method, "HEAD");
		if (!has_body)
			continue;
		if (is_chunked ? !skip_chunks(connection) : length >= 0 && !skip_bytes(connection, length, truncates))
			return false;
		if (!is_chunked && length < 0)
			while (fill(connection))
				connection->start = connection->end;
	} while (status < 200);
	return true;
}

static bool send_body(int fd)
{
	static const char piece[1000];
	char head[20];

	for (size_t sent = 0; sent < body_size;) {
		size_t size = body_size - sent < sizeof(piece) ? body_size - sent : sizeof(piece);

		sprintf(head, "%zx\r\n", size);
		if ((chunks && !put(fd, head, strlen(head))) || !put(fd, piece, size) ||
		    (chunks && !put(fd, "\r\n", 2)))
			return false;
		sent += size;
	}
	return !chunks || put(fd, "0\r\n\r\n", 5);
}

/* Sends requests that need not wait for each other's answers. */
static bool send_requests(int fd, const char **some, int count)
{
	char *heads = malloc(count * (1024 + strlen(line)));
	size_t size = 0, step;
	bool is_sent = true;

	for (int i = 0; i < count; i++) {
		size += sprintf(heads + size, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s", method, some[i], line,
				*line ? "\r\n" : "");
		if (chunks)
			size += sprintf(heads + size, "Transfer-Encoding: chunked\r\n");
		else if (body_size)
			size += sprintf(heads + size, "Content-Length: %zu\r\n", body_size);
		if (!strcmp(some[i], "/continue"))
			size += sprintf(heads + size, "Expect: 100-continue\r\n");
		size += sprintf(heads + size, "\r\n");
	}
	step = splits ? 1 : size;
	for (size_t sent = 0; sent < size && is_sent; sent += step)
		is_sent = put(fd, heads + sent, step);
	free(heads);
	return is_sent && (!(body_size || chunks) || send_body(fd));
}

/* Says where it has come to, and goes on once it is told to. */
static void stop_at(const char *place_in_time)
{
	sigset_t signals;
	int number;

	printf("%s\n", place_in_time);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigwait(&signals, &number);
}

static bool exchange(struct connection *connection, int from, int to)
{
	while (from < to) {
		int count = to - from < pipeline ? to - from : pipeline;
		double started = now_us();

		if (!send_requests(connection->fd, paths + from, count))
			return false;
		if (reads_late && !from)
			stop_at("sent");
		for (int i = 0; i < count; i++) {
			long number;

			if (!read_answer(connection))
				return false;
			number = __sync_fetch_and_add(&truth->requests, 1);
			if (number < REQUESTS_MAX)
				truth->times[number] = now_us() - started;
		}
		from += count;
	}
	return true;
}

/* What a proxy says of its client. */
static bool send_preamble(int fd)
{
	static const char text[] = "PROXY TCP4 192.0.2.1 198.51.100.2 52114 443\r\n";
	static const char binary[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xcb\x92\1\xbb";
	const char *bytes = *preamble == '1' ? text : binary;
	size_t size = (*preamble == '1' ? sizeof(text) : sizeof(binary)) - 1, first = preamble[1] ? 10 : size;

	if (!*preamble)
		return true;
	if (!put(fd, bytes, first))
		return false;
	usleep(preamble[1] ? 20000 : 0);
	return put(fd, bytes + first, size - first);
}

static bool run_connection(void)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	bool is_whole = true;

	if (reopens) {
		for (int i = 0; i < path_count && is_whole; i++) {
			connection->start = connection->end = 0;
			connection->fd = open_connection();
			is_whole = connection->fd >= 0 && send_preamble(connection->fd) &&
				   exchange(connection, i, i + 1);
			close(connection->fd);
		}
		return is_whole;
	}
	connection->fd = open_connection();
	if (connection->fd < 0)
		return false;
	if (waits_then)
		stop_at("ready");
	if (!send_preamble(connection->fd))
		return false;
	if (!forks) {
		is_whole = exchange(connection, 0, path_count);
	} else {
		int half = path_count / 2, status = 0;
		pid_t child;

		is_whole = exchange(connection, 0, half);
		fflush(stdout);
		child = fork();
		if (!child)
			_exit(!exchange(connection, half, path_count));
		is_whole = waitpid(child, &status, 0) == child && !status && is_whole;
	}
	if (!stays_open)
		close(connection->fd);
	return is_whole;
}

static void *run_thread(void *argument)
{
	(void)argument;
	if (!run_connection())
		__sync_fetch_and_add(&truth->failed, 1);
	return NULL;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void report(void)
{
	int count = truth->requests < REQUESTS_MAX ? truth->requests : REQUESTS_MAX;
	double sum = 0;

	qsort(truth->times, count, sizeof(double), compare);
	for (int i = 0; i < count; i++)
		sum += truth->times[i];
	printf("requests %ld bytes_sent %ld bytes_received %ld mean_us %.0f p99_us %.0f\n", truth->requests,
	       truth->sent, truth->received, count ? sum / count : 0,
	       count ? truth->times[(count * 99 + 99) / 100 - 1] : 0);
}

static bool read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:np:sm:b:uh:ktMlwWfoP:")) != -1) {
		switch (option) {
		case 'c': connections = atoi(optarg); break;
		case 'n': reopens = true; break;
		case 'p': pipeline = atoi(optarg); break;
		case 's': splits = true; break;
		case 'm': method = optarg; break;
		case 'b': body_size = atol(optarg); break;
		case 'u': chunks = true; break;
		case 'h': line = optarg; break;
		case 'k': peeks = true; break;
		case 't': truncates = true; break;
		case 'M': protocol = IPPROTO_MPTCP; break;
		case 'l': reads_late = true; break;
		case 'w': waits_first = true; break;
		case 'W': waits_then = true; break;
		case 'f': forks = true; break;
		case 'o': stays_open = true; break;
		case 'P': preamble = optarg; break;
		default: return false;
		}
	}
	if (optind >= argc || connections > 1000 || pipeline > PIPELINE_MAX)
		return false;
	place = argv[optind++];
	for (; optind < argc; optind++) {
		char *times = strchr(argv[optind], '*');
		int count = times ? atoi(times + 1) : 1;

		if (times)
			*times = 0;
		for (int i = 0; i < count && path_count < REQUESTS_MAX; i++)
			paths[path_count++] = argv[optind];
	}
	return true;
}

int main(int argc, char **argv)
{
	pthread_t threads[1000];
	sigset_t signals;

	setvbuf(stdout, NULL, _IOLBF, 0);
	truth = mmap(NULL, sizeof(*truth), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (truth == MAP_FAILED || !read_options(argc, argv))
		return 2;
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (waits_first)
		stop_at("ready");
	for (int i = 0; i < connections; i++)
		pthread_create(&threads[i], NULL, run_thread, NULL);
	for (int i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	report();
	if (stays_open)
		pause();
	return truth->failed ? 1 : 0;
}
