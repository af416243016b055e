/*
 * Truth: all time is spent in hidden_kernel, which burn_in_library calls. It is hidden: a stripped file has no symbol for
 * it. Loaded by dlopen_main.
 *
 * before_it is a symbol without a size, as hand-written assembly has them, and does not call or contain hidden_kernel.
 * With SIZELESS_LOOP the loop is a function of such a symbol itself: sizeless_loop.
 */
#include <stdint.h>

__asm__(".text\n"
	".globl before_it\n"
	"before_it:\n"
	"	ret\n"
	"	.balign 64\n"
#ifdef SIZELESS_LOOP
	".globl sizeless_loop\n"
	"sizeless_loop:\n"
	"	test %rdi, %rdi\n"
	"	jz 2f\n"
	"1:	dec %rdi\n"
	"	jnz 1b\n"
	"2:	ret\n"
	"	.balign 64\n"
#endif
	".globl hidden_kernel\n"
	".hidden hidden_kernel\n"
	".type hidden_kernel, @function\n"
	"hidden_kernel:\n"
	"1:	decq %rdi\n"
	"	jnz 1b\n"
	"	ret\n"
	".size hidden_kernel, .-hidden_kernel\n");

void hidden_kernel(uint64_t rounds);
void sizeless_loop(uint64_t rounds);

uint64_t burn_in_library(uint64_t x)
{
	volatile uint64_t on_stack = x;

#ifdef SIZELESS_LOOP
	sizeless_loop(5000000);
#else
	hidden_kernel(5000000);
#endif
	return x + on_stack;
}
