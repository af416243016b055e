/*
 * Truth: a server and a client whose ports are always the same: two network namespaces have equal connections then.
 * Usage: same_ports NAME COUNT [ADDRESS-OF-SERVER [server|client ADDRESS-OF-CLIENT]]. The server, of the name sv_NAME,
 * listens at port 7001 of its address, else 127.0.0.1; the client, cl_NAME, connects from port 40001. Both are told by
 * "server PID" and "client PID", in their own pid namespace. The client waits for SIGUSR1 once it is connected, asks
 * for COUNT paths, and says "requests COUNT". Both stay until they are killed; the client goes with a
 * server that is its parent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	perror(what);
	exit(1);
}

static struct sockaddr_in place(const char *address, int port)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};

	check(inet_pton(AF_INET, address, &place.sin_addr) == 1, address);
	return place;
}

static void name(const char *role, const char *name)
{
	char text[16];

	snprintf(text, sizeof(text), "%s_%s", role, name);
	prctl(PR_SET_NAME, text);
}

static int bound(const char *address, int port)
{
	struct sockaddr_in at = place(address, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	check(!bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	return fd;
}

static void serve(int listener)
{
	const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char request[4096];
	int fd = accept(listener, NULL, NULL);

	while (read(fd, request, sizeof(request)) > 0)
		check(write(fd, answer, sizeof(answer) - 1) > 0, "write");
	pause();
}

static void ask(const char *server, const char *own, int count)
{
	const char request[] = "GET /same HTTP/1.1\r\nHost: x\r\n\r\n";
	struct sockaddr_in to = place(server, 7001);
	int fd = bound(own, 40001), signal;
	char answer[4096];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	check(!connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	printf("client %d\n", getpid());
	fflush(stdout);
	sigwait(&set, &signal);
	for (int i = 0; i < count; i++) {
		check(write(fd, request, sizeof(request) - 1) > 0, "write");
		check(read(fd, answer, sizeof(answer)) > 0, "read");
	}
	printf("requests %d\n", count);
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	const char *server = argc > 3 ? argv[3] : "127.0.0.1";
	bool is_client = argc > 5 && !strcmp(argv[4], "client"), is_server = argc > 4 && !is_client;
	int count = atoi(argv[2]), listener = -1;

	if (!is_client) {
		listener = bound(server, 7001);
		check(!listen(listener, 1), "listen");
		if (!is_server && !fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			is_client = true;
		}
	}
	if (is_client) {
		name("cl", argv[1]);
		ask(server, argc > 5 ? argv[5] : server, count);
	}
	name("sv", argv[1]);
	printf("server %d\n", getpid());
	fflush(stdout);
	serve(listener);
}
