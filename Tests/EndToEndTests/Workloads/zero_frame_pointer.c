/*
 * Truth: main, then burn_with_zero: spends all its time there, with zero in the register of the frame pointer.
 * Usage: zero_frame_pointer. Prints "ready" first; ends by itself after 120 s.
 *
 * Code built without frame pointers keeps values of its own in that register, and zero is a frequent one. It is also what
 * the outermost frame of a whole chain holds: this stack must not pass for a whole one.
 */
#include <stdio.h>
#include <unistd.h>

void burn_with_zero(void);

__asm__(".text\n"
	".type burn_with_zero, @function\n"
	"burn_with_zero:\n"
#if defined(__x86_64__)
	"	push %rbp\n"
	"	mov $1000000, %eax\n"
	"	xor %ebp, %ebp\n"
	"1:	dec %eax\n"
	"	jnz 1b\n"
	"	pop %rbp\n"
	"	ret\n"
#elif defined(__aarch64__)
	"	str x29, [sp, #-16]!\n"
	"	mov w0, #0x40000\n"
	"	mov x29, #0\n"
	"1:	subs w0, w0, #1\n"
	"	b.ne 1b\n"
	"	ldr x29, [sp], #16\n"
	"	ret\n"
#endif
	".size burn_with_zero, . - burn_with_zero\n");

int main(void)
{
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		burn_with_zero();
}
