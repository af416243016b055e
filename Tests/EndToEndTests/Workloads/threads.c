/*
 * Truth: threads w1, w2, w3, w4 use CPU time 4:3:2:1, all of it in work_units.
 * Usage: threads. Prints "ready" once all threads run; ends by itself after 120 s.
 *
 * In each round a thread does its quota of equal units of work and then sleeps at the barrier until all have done theirs.
 * Quotas count work, not time, so that the shares hold on any number of CPUs. The main thread only waits.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 4, UNIT = 200000 };

static pthread_barrier_t round_start;

__attribute__((noinline, noclone)) static uint64_t work_units(uint64_t x, int units)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < units * UNIT; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x + on_stack;
}

static void *work(void *argument)
{
	int number = (int)(intptr_t)argument;
	char name[16];
	volatile uint64_t x = 1;

	snprintf(name, sizeof name, "w%d", number);
	pthread_setname_np(pthread_self(), name);
	for (;;) {
		x = work_units(x, THREADS + 1 - number);
		pthread_barrier_wait(&round_start);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	alarm(120);
	pthread_barrier_init(&round_start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(intptr_t)(i + 1)))
			return 1;
	puts("ready");
	fflush(stdout);
	pthread_join(threads[0], NULL);
}
