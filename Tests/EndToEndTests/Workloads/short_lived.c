/*
 * Truth: uses 40 ms of CPU time after its start, nearly all of it in burn_short called by main, and exits.
 * Usage: short_lived.
 *
 * The clock is read once in some 200 us, so that reading it does not show.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <stdint.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline, noclone)) static uint64_t burn_short(uint64_t x)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < 200000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x + on_stack;
}

static long used_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

int main(void)
{
	/* What the loader has used by now differs from machine to machine. */
	long start = used_ms();
	volatile uint64_t x = 1;

	alarm(120);
	while (used_ms() - start < 40)
		x = burn_short(x);
	return 0;
}
