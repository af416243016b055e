// main calls step, step calls burn: a leaf that keeps nothing on the stack, so that GCC gives it no frame.
#include <stdint.h>
#include <unistd.h>

__attribute__((noinline)) static uint64_t burn(uint64_t x)
{
	for (int i = 0; i < 50000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x;
}

__attribute__((noinline)) static uint64_t step(uint64_t x)
{
	volatile uint64_t on_stack = x;

	return burn(x) + on_stack;
}

int main(void)
{
	volatile uint64_t x = 1;

	alarm(120);
	for (;;)
		x = step(x);
}
