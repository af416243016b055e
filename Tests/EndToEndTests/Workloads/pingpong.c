/*
 * Truth: a byte goes to and fro between two processes on one CPU, by two pipes: each round trip makes both of them wait
 * once, the first in await_pong and the second in await_ping.
 * Usage: pingpong SECONDS [CPU [threads [CPU]]]. The CPU is 0 by default; with "threads" two threads of one process take
 * the place of the processes, the second one on a CPU of its own where that is given. Prints "ready", each second the
 * number of round trips within it, and in the end "round_trips" and their number, and "run_delay" and for how many
 * nanoseconds the threads of the first process have waited for the CPU since main(), as the kernel counts it, and
 * "before" and for how many before that, some of them before exec; exits with 0 after SECONDS. The second process ends
 * with the first.
 *
 * The scheduling policy is SCHED_BATCH: a woken task of it preempts nobody. Under the default one, half of the switches
 * are preemptions, of the side that writes by the side that it wakes, and that side may never wait at all.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* The clock is read once in so many round trips, well below a millisecond. */
enum { TRIPS_PER_READING = 16 };

static int ping[2], pong[2];

/* The address of a local keeps the compiler from making the call a jump. */
__attribute__((noinline, noclone)) static ssize_t await_ping(void)
{
	char byte;

	return read(ping[0], &byte, 1);
}

__attribute__((noinline, noclone)) static ssize_t await_pong(void)
{
	char byte;

	return read(pong[0], &byte, 1);
}

static int own_cpu = -1;

static void *answer(void *unused)
{
	cpu_set_t own;

	CPU_ZERO(&own);
	if (own_cpu >= 0) {
		CPU_SET((unsigned)own_cpu, &own);
		sched_setaffinity(0, sizeof own, &own);
	}
	while (await_ping() == 1 && write(pong[1], "x", 1) == 1)
		;
	return unused;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Starts the side that answers. Returns 0 if it cannot be started. */
static int start_other(int as_thread)
{
	pid_t first = getpid(), other;
	pthread_t thread;

	if (as_thread)
		return !pthread_create(&thread, NULL, answer, NULL);
	other = fork();
	if (other == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == first)
			answer(NULL);
		_exit(0);
	}
	return other > 0;
}

/* The second number of /proc/PID/task/TID/schedstat. */
static unsigned long long run_delay(void)
{
	unsigned long long sum = 0, used, delay;
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	char path[300];
	FILE *file;

	while (tasks && (task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%llu %llu", &used, &delay) == 2)
			sum += delay;
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return sum;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 0;
	int as_thread = argc > 3 && !strcmp(argv[3], "threads");
	uint64_t second_ends, total = 0, within = 0;
	const unsigned long long before = run_delay();
	struct sched_param no_priority = {0};
	cpu_set_t one;

	if (seconds <= 0)
		return 2;
	if (argc > 4)
		own_cpu = atoi(argv[4]);
	CPU_ZERO(&one);
	CPU_SET(argc > 2 ? (unsigned)atoi(argv[2]) : 0, &one);
	if (sched_setaffinity(0, sizeof one, &one) || sched_setscheduler(0, SCHED_BATCH, &no_priority) ||
	    pipe(ping) || pipe(pong))
		return 1;
	if (!start_other(as_thread))
		return 1;
	puts("ready");
	fflush(stdout);
	second_ends = now_ns() + 1000000000;
	while (seconds > 0) {
		for (int i = 0; i < TRIPS_PER_READING; i++)
			if (write(ping[1], "x", 1) != 1 || await_pong() != 1)
				return 1;
		within += TRIPS_PER_READING;
		if (now_ns() < second_ends)
			continue;
		printf("%llu\n", (unsigned long long)within);
		fflush(stdout);
		total += within;
		within = 0;
		second_ends += 1000000000;
		seconds--;
	}
	printf("round_trips %llu\n", (unsigned long long)total);
	printf("run_delay %llu before %llu\n", run_delay() - before, before);
	return 0;
}
