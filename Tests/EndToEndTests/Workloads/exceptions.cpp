/*
 * Truth: throws through several frames with destructors, again and again, so that samples fall into the C++ runtime's
 * own unwinder as well as into landing pads.
 * Usage: exceptions. Prints "ready"; ends by itself after 120 s.
 */
#include <cstdio>
#include <stdexcept>
#include <string>
#include <unistd.h>

static volatile unsigned long sink;

struct Counted {
	std::string name;
	~Counted() { sink = sink + name.size(); }
};

__attribute__((noinline)) static unsigned long work(unsigned long x)
{
	for (int i = 0; i < 2000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x;
}

__attribute__((noinline)) static unsigned long descend(unsigned long x, int depth)
{
	Counted counted{std::to_string(x)};

	if (depth == 0) {
		sink = work(x);
		throw std::runtime_error(counted.name);
	}
	return descend(x + 1, depth - 1) + counted.name.size();
}

__attribute__((noinline)) static void attempt(unsigned long x)
{
	try {
		sink = descend(x, 8);
	} catch (const std::runtime_error &error) {
		sink = sink + error.what()[0];
	}
}

int main()
{
	alarm(120);
	std::puts("ready");
	std::fflush(stdout);
	for (unsigned long x = 0;; x++)
		attempt(x);
}
