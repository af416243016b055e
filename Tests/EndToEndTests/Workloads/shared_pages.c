/*
 * Truth: spends all its time in second_leaf, called by second_caller and main. The first two are in a segment of their
 * own, which begins in the page of the file that the segment of main ends in. Options of the linker:
 * -no-pie -Wl,-z,noseparate-code,-z,max-page-size=4096,--section-start=.init_array=0xa00df8,--section-start=.second=0x600900
 * Usage: shared_pages. Prints "ready"; ends by itself after 120 s.
 */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline, section(".second"))) void second_leaf(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sink += i * i;
}

__attribute__((noinline, section(".second"))) void second_caller(uint64_t count)
{
	second_leaf(count);
	sink++;
}

int main(void)
{
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		second_caller(1000000);
}
