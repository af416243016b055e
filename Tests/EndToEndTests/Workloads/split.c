/*
 * Truth: every thread spends 75 % of its time in burn_three and 25 % in burn_one, below turn.
 * Usage: split [THREADS]. Prints "ready" once all threads run; ends by itself after 120 s.
 *
 * Both functions do the same arithmetic on the same number of iterations a unit; burn_three is given three units for
 * each one of burn_one. A turn takes some 100 us, and no two take the same time: with turns of one length, ticks can
 * fall in step with them and see 80 % where 75 % is true.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { UNIT = 20000 };

__attribute__((noinline, noclone)) static uint64_t burn_three(uint64_t x, int iterations)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < iterations; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x + on_stack;
}

/* A multiplier of its own keeps the compiler from folding the two functions into one. */
__attribute__((noinline, noclone)) static uint64_t burn_one(uint64_t x, int iterations)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < iterations; i++)
		x = x * 2862933555777941757u + (x >> 29);
	return x + on_stack;
}

__attribute__((noinline, noclone)) static uint64_t turn(uint64_t x, int unit)
{
	x = burn_three(x, 3 * unit);
	x = burn_one(x, unit);
	return x + 1;
}

static void *work(void *unused)
{
	uint32_t random = (uint32_t)(uintptr_t)&random | 1;
	volatile uint64_t x = 1;

	(void)unused;
	for (;;) {
		random = random * 1664525 + 1013904223;
		x = turn(x, UNIT / 2 + (random >> 16) % UNIT);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t thread;

	alarm(120);
	for (int i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, work, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	work(NULL);
}
