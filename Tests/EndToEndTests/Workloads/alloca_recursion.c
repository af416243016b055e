/*
 * Truth: main, then DEPTH frames of recurse of ever different sizes, each with memory from alloca and a variable-length
 * array; the innermost burns the CPU. For stacks without frame pointers.
 * Usage: alloca_recursion DEPTH. Prints "ready" before the first slice; ends by itself after 120 s.
 */
#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline, noclone)) static uint64_t burn_slice(uint64_t x)
{
	for (int i = 0; i < 100000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x;
}

__attribute__((noinline, noclone)) static uint64_t recurse(uint64_t x, int depth)
{
	uint64_t variable[depth % 7 + 1];
	volatile char *piece = alloca(depth % 5 * 48 + 16);
	uint64_t result;

	piece[0] = (char)x;
	variable[depth % 7] = x;
	result = depth <= 1 ? burn_slice(x) : recurse(x + 1, depth - 1);
	return result + (uint64_t)piece[0] + variable[depth % 7];
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		sink = recurse(sink, atoi(argv[1]));
}
