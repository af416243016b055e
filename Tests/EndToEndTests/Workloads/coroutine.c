/* main and body take turns, body on a stack of its own; hot, which body calls, takes all the time. */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

static volatile unsigned long sink;
static ucontext_t on_main, on_other;

__attribute__((noinline)) void hot(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sink += i ^ (i >> 3);
}

static void body(void)
{
	for (;;) {
		hot(500000);
		swapcontext(&on_other, &on_main);
	}
}

int main(void)
{
	alarm(120);
	getcontext(&on_other);
	on_other.uc_stack.ss_size = 65536;
	on_other.uc_stack.ss_sp = malloc(65536);
	on_other.uc_link = &on_main;
	makecontext(&on_other, body, 0);
	puts("ready");
	fflush(stdout);
	for (;;)
		swapcontext(&on_main, &on_other);
}
