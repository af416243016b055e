/*
 * Truth: how long a client waits for answers of event_loop, by its own clock.
 * Usage: waiting_client PORT|/a/socket/path COUNT [BLOCK-MS | every MS]. Waits for SIGUSR1, then asks COUNT times for
 * /wait, each time 30 ms after it has let another connection ask for /block/MS, where that is given, or by its clock
 * every MS ms; at last says "requests COUNT mean_us N". With "every", COUNT 0 is without end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int connected(const char *place)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(atoi(place))};
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	int fd = socket(place[0] == '/' ? AF_UNIX : AF_INET, SOCK_STREAM, 0), error;

	strncpy(path.sun_path, place, sizeof(path.sun_path) - 1);
	if (place[0] == '/')
		error = connect(fd, (struct sockaddr *)&path, sizeof(path));
	else
		error = connect(fd, (struct sockaddr *)&at, sizeof(at));
	if (error) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void ask(int fd, const char *path)
{
	char request[200];
	int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);

	if (write(fd, request, size) != size)
		exit(1);
}

/* A head ends with an empty line; 100 bytes follow. */
static void take(int fd)
{
	char answer[4096], *end = NULL;
	size_t size = 0;

	while (!end || answer + size < end + 104) {
		ssize_t count = read(fd, answer + size, sizeof(answer) - size);

		if (count <= 0)
			exit(1);
		size += count;
		end = memmem(answer, size, "\r\n\r\n", 4);
	}
}

static void wait_until(double us)
{
	struct timespec until = {.tv_sec = us / 1e6, .tv_nsec = (long long)(us * 1e3) % 1000000000};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv)
{
	int count = atoi(argv[2]), signal, block = connected(argv[1]), wait = connected(argv[1]);
	double every = argc > 4 ? atof(argv[4]) * 1e3 : 0, sum = 0, start;
	char path[64];
	sigset_t set;

	snprintf(path, sizeof(path), "/block/%s", argc > 3 ? argv[3] : "0");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("ready\n");
	fflush(stdout);
	sigwait(&set, &signal);
	start = now_us();
	for (int i = 0; i < count || !count; i++) {
		double begun;

		if (every)
			wait_until(start + i * every);
		else if (argc > 3)
			ask(block, path), wait_until(now_us() + 30e3);
		begun = now_us();
		ask(wait, "/wait");
		take(wait);
		sum += now_us() - begun;
		if (argc > 3 && !every)
			take(block);
		if (!i) {
			printf("begun\n");
			fflush(stdout);
		}
	}
	printf("requests %d mean_us %.0f\n", count, sum / count);
	fflush(stdout);
	pause();
}
