/*
 * main calls caller, caller calls framed, framed calls spins, which takes all the time. The frame of framed is described
 * by rax or by rbx while spins runs, as in the cipher kernels of OpenSSL and in the resolver of the dynamic loader.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void by_rax(unsigned long), by_rbx(unsigned long);

__asm__(".text\n"
	".type spins,@function\n"
	"spins:\n"
	"	.cfi_startproc\n"
	/* Saves rbx and changes it: the frame of by_rbx is found by where it is. */
	"	pushq %rbx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_offset %rbx, -16\n"
	"	xorl %ebx, %ebx\n"
	"1:	incq %rbx\n"
	"	decq %rdi\n"
	"	jnz 1b\n"
	"	popq %rbx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_restore %rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size spins, .-spins\n"
	".globl by_rax\n"
	".type by_rax,@function\n"
	"by_rax:\n"
	"	.cfi_startproc\n"
	"	leaq (%rsp), %rax\n"
	"	.cfi_def_cfa_register %rax\n"
	"	pushq %rbp\n"
	"	.cfi_offset %rbp, -16\n"
	"	subq $264, %rsp\n"
	"	andq $-64, %rsp\n"
	"	movl $5, %ebp\n"
	"	call spins\n"
	"	movq -8(%rax), %rbp\n"
	"	.cfi_restore %rbp\n"
	"	leaq (%rax), %rsp\n"
	"	.cfi_def_cfa_register %rsp\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size by_rax, .-by_rax\n"
	".globl by_rbx\n"
	".type by_rbx,@function\n"
	"by_rbx:\n"
	"	.cfi_startproc\n"
	"	pushq %rbx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_offset %rbx, -16\n"
	"	movq %rsp, %rbx\n"
	"	.cfi_def_cfa_register %rbx\n"
	"	andq $-64, %rsp\n"
	"	call spins\n"
	"	movq %rbx, %rsp\n"
	"	.cfi_def_cfa_register %rsp\n"
	"	popq %rbx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_restore %rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size by_rbx, .-by_rbx\n");

static volatile unsigned long sink;

__attribute__((noinline)) void caller(unsigned long n)
{
	by_rax(n);
	by_rbx(n);
	sink++;
}

int main(void)
{
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		caller(1000000);
}
