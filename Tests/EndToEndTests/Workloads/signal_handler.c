/*
 * Truth: a timer interrupts burn_outer every millisecond; the handler burns the CPU for most of it, in a callee.
 * Usage: signal_handler [alternate]. With "alternate" the handler runs on a stack of its own. Prints "ready"; ends by
 * itself after 120 s.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline, noclone)) static uint64_t burn_in_handler(uint64_t x)
{
	for (int i = 0; i < 200000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x;
}

static void handle(int number)
{
	sink = burn_in_handler(sink + (uint64_t)number);
}

__attribute__((noinline, noclone)) static uint64_t burn_outer(uint64_t x)
{
	for (int i = 0; i < 1000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
	struct itimerval timer = {.it_interval.tv_usec = 1000, .it_value.tv_usec = 1000};

	alarm(120);
	if (argc == 2 && !strcmp(argv[1], "alternate")) {
		stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};

		if (!stack.ss_sp || sigaltstack(&stack, NULL))
			return 2;
		action.sa_flags |= SA_ONSTACK;
	}
	sigaction(SIGVTALRM, &action, NULL);
	setitimer(ITIMER_VIRTUAL, &timer, NULL);
	puts("ready");
	fflush(stdout);
	for (;;)
		sink = burn_outer(sink);
}
