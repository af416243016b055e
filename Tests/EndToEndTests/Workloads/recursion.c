/*
 * Truth: main, then DEPTH frames of recurse; the innermost burns the CPU, in slices of about a millisecond.
 * Usage: recursion DEPTH. Prints "ready" before the first slice; ends by itself after 120 s.
 *
 * Going down and up takes some microseconds a slice, so that well over 90 % of all samples are of the full depth.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline, noclone)) static uint64_t recurse(uint64_t x, int depth)
{
	if (depth > 1)
		/* Something is left to do after the call, so that it is no tail call. */
		return recurse(x, depth - 1) + 1;
	for (int i = 0; i < 1000000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x;
}

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 1;
	volatile uint64_t x = 1;

	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		x = recurse(x, depth);
}
