/*
 * Truth: sleeps for 3 s, then spends 3 s in spike_here, called by main, and sleeps again.
 * Prints "ready" first, and "used" and the microseconds of CPU time of those 3 s when they are over; ends by itself
 * after 120 s.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing. */
__attribute__((noinline, noclone)) static uint64_t spike_here(uint64_t x)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < 1000000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x + on_stack;
}

int main(void)
{
	volatile uint64_t x = 1;
	double start;

	alarm(120);
	puts("ready");
	fflush(stdout);
	sleep(3);
	start = now();
	while (now() - start < 3)
		x = spike_here(x);
	printf("used %ld\n", (long)clock());
	fflush(stdout);
	for (;;)
		pause();
}
