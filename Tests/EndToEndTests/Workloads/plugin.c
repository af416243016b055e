/*
 * A library for plugins.c: PLUGIN_ENTRY spends some ms of CPU time in PLUGIN_WORK.
 */
#include <stdint.h>

uint64_t cpu_ns(void);

static volatile uint64_t sink;

__attribute__((noinline)) void PLUGIN_WORK(void)
{
	for (int i = 0; i < 50000; i++)
		sink += i;
}

__attribute__((noinline)) void PLUGIN_ENTRY(int ms)
{
	uint64_t end = cpu_ns() + ms * 1000000ull;

	while (cpu_ns() < end)
		PLUGIN_WORK();
}
