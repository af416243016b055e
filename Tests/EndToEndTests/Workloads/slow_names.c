/*
 * Truth: spends all its time in burn_here, called by main. Its debugging information, which is written out below, takes as
 * long to read as a file may: 100,000 functions share a list of 100,000 ranges.
 * Usage: slow_names. Prints "ready"; ends by itself after 120 s. Compiled without -g.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

__asm__(".pushsection .debug_abbrev,\"\",@progbits\n"
	".byte 1,0x11,1, 0x11,1, 0x12,7, 0,0\n" /* a unit: DW_AT_low_pc, DW_AT_high_pc */
	".byte 2,0x2e,0, 0x55,0x17, 0,0\n" /* a function: DW_AT_ranges */
	".byte 0\n"
	".popsection\n"
	".pushsection .debug_info,\"\",@progbits\n"
	".long unit_end - unit_start\n"
	"unit_start: .short 4\n"
	".long 0\n"
	".byte 8\n"
	".byte 1\n"
	".quad _start\n"
	".quad 0x100000\n"
	".rept 100000\n"
	".byte 2\n"
	".long 0\n"
	".endr\n"
	".byte 0\n"
	"unit_end:\n"
	".popsection\n"
	".pushsection .debug_ranges,\"\",@progbits\n"
	".rept 100000\n"
	".quad 0x10, 0x20\n"
	".endr\n"
	".quad 0, 0\n"
	".popsection\n");

__attribute__((noinline, noclone)) static uint64_t burn_here(uint64_t x)
{
	volatile uint64_t on_stack = x;

	for (int i = 0; i < 5000000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x + on_stack;
}

int main(void)
{
	volatile uint64_t x = 1;

	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		x = burn_here(x);
}
