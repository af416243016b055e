/*
 * Truth: clients that have very many connections open at the same time, with one request on each.
 * Usage: many_connections COUNT. Prints "ready" once its clients, which are processes named many_clients, wait; at SIGUSR1
 * they connect, one connection after the other, send a request on each and read its answer. Then it prints
 * "requests N bytes_sent A bytes_received B", and keeps the connections open until it is killed.
 *
 * Not everybody may have as many descriptors in a process, so that there are PAIRS clients, and a server for each.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAIRS = 4 };

static const char request[] = "GET /many HTTP/1.1\r\nHost: many\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static struct {
	volatile long requests, sent, received;
} *truths;

static void fail(const char *what)
{
	perror(what);
	kill(0, SIGTERM);
	exit(1);
}

static int listen_somewhere(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)address, size) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)address, &size))
		fail("listen");
	return fd;
}

static void serve(int listener)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
	int all = epoll_create1(0);
	char input[512];

	epoll_ctl(all, EPOLL_CTL_ADD, listener, &event);
	while (epoll_wait(all, &event, 1, -1) == 1) {
		int fd = event.data.fd;

		if (fd == listener) {
			event.data.fd = accept(listener, NULL, NULL);
			event.events = EPOLLIN;
			if (event.data.fd < 0 || epoll_ctl(all, EPOLL_CTL_ADD, event.data.fd, &event))
				fail("accept");
		} else if (read(fd, input, sizeof(input)) <= 0) {
			close(fd);
		} else if (write(fd, answer, sizeof(answer) - 1) != sizeof(answer) - 1) {
			fail("write");
		}
	}
}

static void ask(const struct sockaddr_in *address, long count, int index)
{
	char input[512];

	for (long i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		ssize_t size;

		if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)))
			fail("connect");
		if (write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
			fail("write");
		size = read(fd, input, sizeof(input));
		if (size != sizeof(answer) - 1)
			fail("read");
		truths[index].requests += 1;
		truths[index].sent += sizeof(request) - 1;
		truths[index].received += size;
	}
}

int main(int count, char **arguments)
{
	long connections = count > 1 ? atol(arguments[1]) : 1000, sums[3] = {};
	struct rlimit descriptors;
	pid_t clients[PAIRS];
	sigset_t go;
	int arrival;

	setpgid(0, 0);
	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	descriptors.rlim_cur = descriptors.rlim_max = connections / PAIRS + 1000;
	if (setrlimit(RLIMIT_NOFILE, &descriptors))
		fail("setrlimit");
	truths = mmap(NULL, PAIRS * sizeof(*truths), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < PAIRS; i++) {
		struct sockaddr_in address = {};
		int listener = listen_somewhere(&address), finished[2];

		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(listener);
		}
		close(listener);
		if (pipe(finished))
			fail("pipe");
		clients[i] = fork();
		if (!clients[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			prctl(PR_SET_NAME, "many_clients");
			close(finished[0]);
			if (write(finished[1], "w", 1) != 1)
				fail("write");
			sigwait(&go, &arrival);
			ask(&address, connections / PAIRS, i);
			close(finished[1]);
			pause();
		}
		close(finished[1]);
		/* It has its name now. */
		if (read(finished[0], &arrival, 1) != 1)
			fail("read");
		dup2(finished[0], 100 + i);
		close(finished[0]);
	}
	puts("ready");
	fflush(stdout);
	sigwait(&go, &arrival);
	for (int i = 0; i < PAIRS; i++)
		kill(clients[i], SIGUSR1);
	for (int i = 0; i < PAIRS; i++) {
		/* The end of its pipe is the client's. */
		if (read(100 + i, &arrival, 1) != 0)
			fail("read");
		sums[0] += truths[i].requests;
		sums[1] += truths[i].sent;
		sums[2] += truths[i].received;
	}
	printf("requests %ld bytes_sent %ld bytes_received %ld\n", sums[0], sums[1], sums[2]);
	fflush(stdout);
	for (;;)
		pause();
}
