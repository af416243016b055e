/*
 * Truth: idle until SIGUSR1; then loads LIBRARY and spends all its time in burn_in_library of it.
 * Usage: dlopen_main LIBRARY. Prints "ready" once the signal may come, and "loaded" before it burns; ends by itself
 * after 120 s.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uint64_t (*burn)(uint64_t);
	volatile uint64_t x = 1;
	sigset_t go;
	void *library;
	int number;

	if (argc != 2)
		return 64;
	alarm(120);
	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&go, &number);

	library = dlopen(argv[1], RTLD_NOW);
	if (!library)
		return 1;
	burn = (uint64_t (*)(uint64_t))dlsym(library, "burn_in_library");
	if (!burn)
		return 1;
	puts("loaded");
	fflush(stdout);
	for (;;)
		x = burn(x);
}
