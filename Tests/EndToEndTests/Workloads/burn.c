/*
 * Truth: spends all its time in burn_here, called by main.
 * Usage: burn [SECONDS]. Prints "ready" first; exits with 0 after SECONDS of CPU time and prints "used" and how many
 * microseconds it were by then, else ends by itself after 120 s.
 *
 * Built with -static too, for a root directory that holds nothing else.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline, noclone)) static uint64_t burn_here(uint64_t x)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < 5000000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x + on_stack;
}

int main(int argc, char **argv)
{
	clock_t limit = argc > 1 ? atoi(argv[1]) * CLOCKS_PER_SEC : 0;
	volatile uint64_t x = 1;

	alarm(120);
	puts("ready");
	fflush(stdout);
	do
		x = burn_here(x);
	while (limit == 0 || clock() < limit);
	printf("used %ld\n", (long)clock());
	return 0;
}
