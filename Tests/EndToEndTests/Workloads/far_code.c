/*
 * A 64-bit program that also runs 32-bit code, below 4 GiB: gcc -no-pie.
 *
 * Usage: far_code. Prints "ready" first, then uses the CPU in `wide_spin`, below main and wide_outer, and in
 * `narrow_inner`, below narrow_outer and narrow_entry, to which `cross` returns by a far return. With the argument
 * "zero", narrow_entry has a frame pointer of zero, as if it were the outermost. Ends by itself after 60 s.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void cross(void *stack, unsigned rounds, unsigned zero);

__asm__(".text\n"
	".globl cross\n"
	".type cross, @function\n"
	"cross:\n"
	"	.cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_offset rbp, -16\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register rbp\n"
	"	push %rbx\n"
	"	.cfi_offset rbx, -24\n"
	"	mov %rsp, %rbx\n"
	"	mov %esi, %ecx\n"
	"	mov %rdi, %rsp\n"
	"	sub $8, %rsp\n"
	"	movl $cross_back, (%rsp)\n"
	"	movl $0x33, 4(%rsp)\n"
	"	mov %rbp, %r12\n"
	"	pushq $0x23\n"
	"	pushq $narrow_entry\n"
	"	lretq\n"
	"cross_back:\n"
	"	mov %rbx, %rsp\n"
	"	mov %r12, %rbp\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	.cfi_def_cfa rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size cross, . - cross\n"
	".code32\n"
	".type narrow_inner, @function\n"
	"narrow_inner:\n"
	"	push %ebp\n"
	"	mov %esp, %ebp\n"
	"1:	dec %ecx\n"
	"	jnz 1b\n"
	"	pop %ebp\n"
	"	ret\n"
	".size narrow_inner, . - narrow_inner\n"
	".type narrow_outer, @function\n"
	"narrow_outer:\n"
	"	push %ebp\n"
	"	mov %esp, %ebp\n"
	"	call narrow_inner\n"
	"	nop\n"
	"	pop %ebp\n"
	"	ret\n"
	".size narrow_outer, . - narrow_outer\n"
	".globl narrow_entry\n"
	".type narrow_entry, @function\n"
	"narrow_entry:\n"
	"	test %edx, %edx\n"
	"	jz 2f\n"
	"	xor %ebp, %ebp\n"
	"2:	push %ebp\n"
	"	mov %esp, %ebp\n"
	"	call narrow_outer\n"
	"	pop %ebp\n"
	"	lret\n"
	".size narrow_entry, . - narrow_entry\n"
	".code64\n");

static __attribute__((noinline)) unsigned wide_spin(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		__asm__ volatile("" : "+r"(i));
	return rounds;
}

static __attribute__((noinline)) unsigned wide_outer(unsigned rounds)
{
	return wide_spin(rounds) + 1;
}

int main(int count, char **arguments)
{
	char *stack = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned zero = count > 1 && !strcmp(arguments[1], "zero");

	if (stack == MAP_FAILED)
		return 1;
	alarm(60);
	puts("ready");
	fflush(stdout);
	for (;;) {
		wide_outer(5000000);
		__asm__ volatile("" : : : "r12");
		cross(stack + (1 << 16) - 16, 5000000, zero);
	}
}
