/*
 * Truth: main calls app::run, into which app::Mixer::round is inlined, into which app::Mixer::mix is.
 * Usage: inlined. Prints "ready"; ends by itself after 120 s. The lines are named by the test.
 */
#include <cstdint>
#include <cstdio>
#include <unistd.h>

static volatile uint64_t sink;

namespace app
{
#define STEP x = x * 6364136223846793005u + (x >> 29);

struct Mixer {
	/* Long enough that the loop around it is a small part, on whatever instruction a CPU takes its interrupts. */
	__attribute__((always_inline)) uint64_t mix(uint64_t x)
	{
		STEP STEP STEP STEP STEP STEP STEP STEP return x; // line: mix
	}

	__attribute__((always_inline)) uint64_t round(uint64_t x)
	{
		for (int i = 0; i < 20000; i++)
			x = mix(x); // line: call of mix
		return x;
	}
};

__attribute__((noinline)) static uint64_t run(Mixer &mixer, uint64_t x)
{
	return mixer.round(x) + 1; // line: call of round
}
}

int main()
{
	app::Mixer mixer;

	alarm(120);
	std::puts("ready");
	std::fflush(stdout);
	for (;;)
		sink = app::run(mixer, sink); // line: call of run
}
