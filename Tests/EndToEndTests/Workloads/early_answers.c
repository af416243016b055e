/*
 * Truth: answers that a thread has read before the call of another thread that sends their request has ended.
 * Usage: early_answers EARLY THEN. Waits for SIGUSR1 after "ready", then sends EARLY requests for POST /early over one
 * connection to a child, each in one call that takes its body in only behind the answer; then THEN requests for GET /then,
 * 100 ms apart, whose answers take 30 ms. Prints "requests N" in the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BODY = 8 << 20, BUFFER = 1 << 15 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static int fd;

static void check(int is_right, const char *what)
{
	if (!is_right) {
		perror(what);
		exit(1);
	}
}

static void take(int from, size_t size)
{
	static char bytes[1 << 16];

	while (size) {
		ssize_t count = recv(from, bytes, size < sizeof(bytes) ? size : sizeof(bytes), 0);

		check(count > 0, "recv");
		size -= count;
	}
}

/* Reads a head byte by byte; its first one comes back. */
static char take_head(int from)
{
	char first, byte, last[4] = "";

	check(recv(from, &first, 1, 0) == 1, "recv");
	do {
		check(recv(from, &byte, 1, 0) == 1, "recv");
		memmove(last, last + 1, 3);
		last[3] = byte;
	} while (memcmp(last, "\r\n\r\n", 4));
	return first;
}

static void serve(int listener, int count)
{
	int peer = accept(listener, NULL, NULL);

	check(peer >= 0, "accept");
	while (count--) {
		int has_body = take_head(peer) == 'P';

		if (!has_body)
			usleep(30000);
		check(send(peer, answer, sizeof(answer) - 1, MSG_NOSIGNAL) == sizeof(answer) - 1, "send");
		if (has_body) {
			usleep(20000);
			take(peer, BODY);
		}
	}
	_exit(0);
}

static pthread_barrier_t answered;

static void *read_answers(void *count)
{
	for (long i = 0; i < (long)count; i++) {
		take(fd, sizeof(answer) - 1);
		pthread_barrier_wait(&answered);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static char request[BODY + 1000], then[] = "GET /then HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int listener = socket(AF_INET, SOCK_STREAM, 0), size = BUFFER, early, count, signal, status;
	socklen_t length = sizeof(address);
	pthread_t reader;
	sigset_t awaited;
	size_t head;
	pid_t child;

	if (argc != 3)
		return 2;
	early = atoi(argv[1]);
	count = early + atoi(argv[2]);
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGUSR1);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	check(!bind(listener, (struct sockaddr *)&address, sizeof(address)) && !listen(listener, 1), "listen");
	getsockname(listener, (struct sockaddr *)&address, &length);
	child = fork();
	if (!child)
		serve(listener, count);
	printf("ready\n");
	fflush(stdout);
	sigwait(&awaited, &signal);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	check(!connect(fd, (struct sockaddr *)&address, sizeof(address)), "connect");
	pthread_barrier_init(&answered, NULL, 2);
	check(!pthread_create(&reader, NULL, read_answers, (void *)(long)count), "pthread_create");
	head = sprintf(request, "POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", BODY);
	for (int i = 0; i < count; i++) {
		const char *bytes = i < early ? request : then;
		size_t all = i < early ? head + BODY : sizeof(then) - 1;

		if (i >= early)
			usleep(100000);
		check(send(fd, bytes, all, MSG_NOSIGNAL) == (ssize_t)all, "send");
		pthread_barrier_wait(&answered);
	}
	waitpid(child, &status, 0);
	printf("requests %d\n", count);
	return status ? 1 : 0;
}
