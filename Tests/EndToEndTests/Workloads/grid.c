/*
 * Truth: of each period of CLOCK_MONOTONIC, counted from the start, 70 % go to burn_seventy, 20 % to burn_twenty and
 * 10 % to burn_ten, below main. What follows the clock keeps step with everything else that does.
 * Usage: grid PERIOD_NS [PHASE_NS]. Prints "ready" first; ends by itself after 120 s.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* Numbers of their own keep the compiler from folding the functions into one. */
#define BURN(name, number)                                                      \
	__attribute__((noinline, noclone)) static uint64_t name(uint64_t until) \
	{                                                                       \
		volatile uint64_t on_stack = number;                            \
                                                                                \
		while (now() < until)                                           \
			for (int i = 0; i < 100; i++)                           \
				on_stack = on_stack * number + 1;               \
		return on_stack;                                                \
	}

BURN(burn_seventy, 70)
BURN(burn_twenty, 20)
BURN(burn_ten, 10)

int main(int argc, char **argv)
{
	uint64_t period = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
	uint64_t phase = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	volatile uint64_t sum = 0;

	if (period < 10)
		return 1;
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;) {
		uint64_t start = (now() - phase) / period * period + phase;

		sum += burn_seventy(start + period / 10 * 7);
		sum += burn_twenty(start + period / 10 * 9);
		sum += burn_ten(start + period);
	}
}
