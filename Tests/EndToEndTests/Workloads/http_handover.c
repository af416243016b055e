/*
 * Truth: a master that accepts connections and hands each to a worker, which answers some requests on it and hands it on
 * to another, which answers the rest.
 * Usage: http_handover COUNT. Prints "ready", its port, and the numbers of both workers; runs until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

static bool hand(int channel, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	struct cmsghdr *control = CMSG_FIRSTHDR(&message);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &fd, sizeof(fd));
	return sendmsg(channel, &message, 0) == 1;
}

static int take(int channel)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	int fd;

	if (recvmsg(channel, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Answers at most that many requests, none of which is sent before the answer to the one before. Returns how many. */
static int answer(int fd, int count)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char input[4096];
	size_t size = 0;
	int answered = 0;

	while (answered < count) {
		ssize_t more = read(fd, input + size, sizeof(input) - size);

		if (more <= 0)
			break;
		size += more;
		if (!memmem(input, size, "\r\n\r\n", 4))
			continue;
		size = 0;
		if (write(fd, text, sizeof(text) - 1) < 0)
			break;
		answered++;
	}
	return answered;
}

static pid_t start_worker(int from, int to, int count)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = take(from);

		if (fd < 0)
			_exit(1);
		if (answer(fd, count) == count && to >= 0)
			hand(to, fd);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), first[2], second[2];
	pid_t workers[2];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 64) ||
	    getsockname(listener, (struct sockaddr *)&address, &size) || socketpair(AF_UNIX, SOCK_DGRAM, 0, first) ||
	    socketpair(AF_UNIX, SOCK_DGRAM, 0, second))
		return 1;
	workers[0] = start_worker(first[1], second[0], atoi(argv[1]));
	workers[1] = start_worker(second[1], -1, 1 << 30);
	printf("ready %d %d %d\n", ntohs(address.sin_port), workers[0], workers[1]);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0 || !hand(first[0], fd))
			return 1;
		close(fd);
	}
}
