/*
 * Truth: takes the name NAME without a new program, then spends all its time in burn_here, called by main.
 * Usage: takes_name NAME SECONDS. Prints "ready" once it has the name; exits with 0 after SECONDS of CPU time.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
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
	clock_t limit;
	volatile uint64_t x = 1;

	if (argc < 3 || prctl(PR_SET_NAME, argv[1]))
		return 1;
	limit = atoi(argv[2]) * CLOCKS_PER_SEC;
	alarm(120);
	puts("ready");
	fflush(stdout);
	do
		x = burn_here(x);
	while (clock() < limit);
	return 0;
}
