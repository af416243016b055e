/*
 * main calls outer, outer calls caller, caller calls one of three functions in assembly, of which nothing describes the
 * frames: one has none, one saves registers and counts in rbp, one is called by a pointer.
 */
#include <stdio.h>
#include <unistd.h>

unsigned long bare(unsigned long), pushing(unsigned long), pointed(unsigned long);

__asm__(".text\n"
	".globl bare\n"
	".type bare,@function\n"
	"bare:\n"
	"1:	decq %rdi\n"
	"	jnz 1b\n"
	"	ret\n"
	".size bare, .-bare\n"
	".globl pushing\n"
	".type pushing,@function\n"
	"pushing:\n"
	"	pushq %rbx\n"
	"	pushq %rbp\n"
	"	subq $72, %rsp\n"
	"	movq %rdi, %rbp\n"
	"1:	decq %rbp\n"
	"	jnz 1b\n"
	"	addq $72, %rsp\n"
	"	popq %rbp\n"
	"	popq %rbx\n"
	"	ret\n"
	".size pushing, .-pushing\n"
	".globl pointed\n"
	".type pointed,@function\n"
	"pointed:\n"
	"	pushq %r12\n"
	"1:	decq %rdi\n"
	"	jnz 1b\n"
	"	popq %r12\n"
	"	ret\n"
	".size pointed, .-pointed\n");

static volatile unsigned long sink;
static unsigned long (*volatile pointer)(unsigned long) = pointed;

__attribute__((noinline)) void caller(unsigned long n)
{
	bare(n);
	pushing(n);
	pointer(n);
	sink++;
}

__attribute__((noinline)) void outer(unsigned long n)
{
	caller(n);
	sink++;
}

int main(void)
{
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		outer(1000000);
}
