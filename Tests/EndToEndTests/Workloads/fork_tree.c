/*
 * Truth: the first process idles until SIGUSR1; then it starts a child and the child a grandchild, and from there on all
 * three spend all their time in burn_parent, burn_child and burn_grandchild, called by main.
 * Usage: fork_tree. Prints "ready" once the signal may come; each process ends by itself after 120 s, and the two
 * descendants end with the process that started them.
 *
 * GCC gives no frame to a function that keeps nothing on the stack, and its caller would be missing: hence on_stack.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A multiplier of its own keeps the compiler from folding the functions into one. */
#define BURN(name, multiplier)                                                \
	__attribute__((noinline, noclone)) static uint64_t name(uint64_t x)   \
	{                                                                     \
		volatile uint64_t on_stack = x;                               \
                                                                              \
		for (int i = 0; i < 1000000; i++)                             \
			x = x * multiplier + (x >> 29);                       \
		return x + on_stack;                                          \
	}

BURN(burn_parent, 6364136223846793005u)
BURN(burn_child, 2862933555777941757u)
BURN(burn_grandchild, 3202034522624059733u)

/* Starts a process that does not outlive this one. Returns 0 in the new process. */
static pid_t start(void)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(120); /* fork() clears it */
	}
	return child;
}

int main(void)
{
	volatile uint64_t x = 1;
	sigset_t go;
	int number;

	alarm(120);
	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&go, &number);

	if (start() != 0)
		for (;;)
			x = burn_parent(x);
	if (start() != 0)
		for (;;)
			x = burn_child(x);
	for (;;)
		x = burn_grandchild(x);
}
