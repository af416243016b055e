/*
 * Truth: a call of burn_in_library is some milliseconds of work and calls nothing. Loaded by dlopen_main.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <stdint.h>

uint64_t burn_in_library(uint64_t x)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < 5000000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x + on_stack;
}
