/*
 * Truth: main, then burn_with_zero: spends all its time there, with zero in the register of the frame pointer.
 * Usage: zero_frame_pointer. Prints "ready" first; ends by itself after 120 s.
 *
 * Code built without frame pointers keeps values of its own in that register, and zero is a frequent one. It is also what
 * the outermost frame of a whole chain holds: this stack must not pass for a whole one. The function is entered once and
 * never left: at its first instruction the register still holds main's frame, and a walk from there is a chain that
 * looks whole and lacks main.
 */
#include <stdio.h>
#include <unistd.h>

void burn_with_zero(void) __attribute__((noreturn));

__asm__(".text\n"
	".type burn_with_zero, @function\n"
	"burn_with_zero:\n"
#if defined(__x86_64__)
	"	xor %ebp, %ebp\n"
	"1:	jmp 1b\n"
#elif defined(__aarch64__)
	"	mov x29, #0\n"
	"1:	b 1b\n"
#endif
	".size burn_with_zero, . - burn_with_zero\n");

int main(void)
{
	alarm(120);
	puts("ready");
	fflush(stdout);
	burn_with_zero();
}
