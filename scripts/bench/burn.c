// One thread that always runs, 30 frames deep, three parts of its time in burn_three and one in burn_one.
// Truth for the benchmark: with S seconds of CPU time, H samples a second give S * H samples.
#include <stdint.h>
#include <unistd.h>

#define WORK(name)                                                        \
	static __attribute__((noinline)) uint64_t name(uint64_t x)        \
	{                                                                 \
		volatile uint64_t on_stack = x;                           \
		for (int i = 0; i < 5000; i++)                            \
			x = x * 6364136223846793005u + (x >> 29);         \
		return x + on_stack;                                      \
	}

WORK(burn_three)
WORK(burn_one)

static __attribute__((noinline)) uint64_t deep(int depth, uint64_t x)
{
	volatile uint64_t on_stack = x;

	if (depth > 0)
		return deep(depth - 1, x) + on_stack;
	return burn_three(burn_three(burn_three(burn_one(x)))) + on_stack;
}

int main(void)
{
	volatile uint64_t x = 1;

	alarm(3600);
	for (;;)
		x = deep(30, x);
}
