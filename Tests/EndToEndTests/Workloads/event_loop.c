/*
 * Truth: an HTTP server with one thread, as node and others have: while it is busy with a request, others wait unread.
 * Usage: event_loop [/a/socket/path] [in-two-writes]. Prints "ready" and its port. /block/MS keeps the CPU busy that
 * long; every answer has 100 bytes. "in-two-writes" writes head and body apart, with Nagle's algorithm as it is.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static bool answer(int fd, bool in_two_writes)
{
	const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
	char request[4096], whole[sizeof(head) + 99];
	ssize_t size = read(fd, request, sizeof(request) - 1);
	double end;

	if (size <= 0)
		return false;
	request[size] = 0;
	if (!strncmp(request, "GET /block/", 11)) {
		end = now_ms() + atoi(request + 11);
		while (now_ms() < end)
			;
	}
	memcpy(whole, head, sizeof(head) - 1);
	memset(whole + sizeof(head) - 1, 'x', 100);
	if (in_two_writes)
		return write(fd, head, sizeof(head) - 1) > 0 && write(fd, whole + sizeof(head) - 1, 100) > 0;
	return write(fd, whole, sizeof(whole)) > 0;
}

int main(int argc, char **argv)
{
	bool is_unix = argc > 1 && argv[1][0] == '/', in_two_writes = argc > 1 && !strcmp(argv[argc - 1], "in-two-writes");
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct pollfd fds[64] = {{.events = POLLIN}};
	socklen_t size = sizeof(at);
	int count = 1;

	fds[0].fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	if (is_unix) {
		strncpy(path.sun_path, argv[1], sizeof(path.sun_path) - 1);
		bind(fds[0].fd, (struct sockaddr *)&path, sizeof(path));
	} else {
		bind(fds[0].fd, (struct sockaddr *)&at, sizeof(at));
		getsockname(fds[0].fd, (struct sockaddr *)&at, &size);
	}
	listen(fds[0].fd, 16);
	printf("ready %d\n", ntohs(at.sin_port));
	fflush(stdout);
	while (poll(fds, count, -1) > 0) {
		for (int i = count - 1; i > 0; i--) {
			if (fds[i].revents && !answer(fds[i].fd, in_two_writes)) {
				close(fds[i].fd);
				fds[i] = fds[--count];
			}
		}
		if (fds[0].revents && count < 64)
			fds[count++] = (struct pollfd){.fd = accept(fds[0].fd, NULL, NULL), .events = POLLIN};
	}
}
