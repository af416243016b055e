/*
 * Truth: loads two libraries in turn, calls run_one of the first for 2 ms and run_two of the second for 4 ms of CPU time,
 * and unloads each before the next comes: a third of the time in the libraries is that of the first.
 * Usage: plugins FIRST SECOND. Prints "same" once the libraries have come to one address in turn for 20 times; ends by
 * itself after 120 s.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

uint64_t cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"run_one", "run_two"};
	static const int ms[] = {2, 4};
	void *last = NULL;
	int same = 0;

	if (argc != 3)
		return 64;
	alarm(120);
	for (int turn = 0;; turn = !turn) {
		void *library = dlopen(argv[1 + turn], RTLD_NOW);
		void (*run)(int);

		if (!library)
			return 1;
		run = (void (*)(int))dlsym(library, names[turn]);
		if (!run)
			return 1;
		if (last == (void *)run && ++same == 20) {
			puts("same");
			fflush(stdout);
		}
		last = (void *)run;
		run(ms[turn]);
		dlclose(library);
	}
}
