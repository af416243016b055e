/*
 * Truth: of N threads a third sleeps throughout in sleep_throughout, a third in sleep_on_timer and a third in
 * sleep_on_futex, both 1 to 50 ms at a time. The main thread only waits.
 * Usage: many_threads [N [SECONDS]], by default 5000 threads for 3 s. Prints "ready" once all threads run; exits with 0
 * after SECONDS and prints "cpu" and how many nanoseconds of CPU time were used since then, "threads" and N, "wall" and
 * how many nanoseconds have passed; else ends by itself after 120 s.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024 };

static pthread_barrier_t all_run, end_known;
static uint64_t end_ns;

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct timespec time_at(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

__attribute__((noinline, noclone)) static void sleep_throughout(void)
{
	struct timespec end = time_at(end_ns);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL))
		;
}

__attribute__((noinline, noclone)) static void sleep_on_timer(uint64_t ns)
{
	struct timespec rest = time_at(ns);

	nanosleep(&rest, NULL);
}

/* Nobody signals the condition: each wait ends by its time. */
__attribute__((noinline, noclone)) static void sleep_on_futex(uint64_t ns)
{
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct timespec end = time_at(read_ns(CLOCK_MONOTONIC) + ns);

	pthread_mutex_lock(&mutex);
	while (pthread_cond_clockwait(&never, &mutex, CLOCK_MONOTONIC, &end) == 0)
		;
	pthread_mutex_unlock(&mutex);
}

static void *work(void *argument)
{
	unsigned number = (unsigned)(uintptr_t)argument;
	uint32_t random = number * 2654435761u;

	pthread_barrier_wait(&all_run);
	pthread_barrier_wait(&end_known);
	if (number % 3 == 0)
		sleep_throughout();
	while (read_ns(CLOCK_MONOTONIC) < end_ns) {
		uint64_t ns;

		random = random * 1664525 + 1013904223;
		ns = (1 + (random >> 16) % 50) * 1000000;
		if (number % 3 == 1)
			sleep_on_timer(ns);
		else
			sleep_on_futex(ns);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 5000;
	unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 3;
	pthread_t *threads = calloc(count, sizeof *threads);
	pthread_attr_t attributes;
	uint64_t cpu, wall;

	alarm(120);
	pthread_barrier_init(&all_run, NULL, count + 1);
	pthread_barrier_init(&end_known, NULL, count + 1);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned i = 0; i < count; i++)
		if (!threads || pthread_create(&threads[i], &attributes, work, (void *)(uintptr_t)i))
			return 1;
	pthread_barrier_wait(&all_run);
	puts("ready");
	fflush(stdout);
	cpu = read_ns(CLOCK_PROCESS_CPUTIME_ID);
	wall = read_ns(CLOCK_MONOTONIC);
	end_ns = wall + seconds * 1000000000ull;
	pthread_barrier_wait(&end_known);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	cpu = read_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = read_ns(CLOCK_MONOTONIC) - wall;
	printf("cpu %llu threads %u wall %llu\n", (unsigned long long)cpu, count, (unsigned long long)wall);
	return 0;
}
