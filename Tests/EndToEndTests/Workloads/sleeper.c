/*
 * Truth: of each round the main thread sleeps 60 ms in sleep_long and 30 ms in sleep_short, both called by main.
 * Usage: sleeper [ROUNDS]. Prints "ready"; exits with 0 after ROUNDS (default: 100) and prints "long" and "short" and
 * how many nanoseconds were spent in each, a line each; else ends by itself after 120 s.
 *
 * A sleep lasts longer than asked for, hence the measured sums: the two functions relate as 2:1 only by and large.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The address of a local keeps the compiler from making the call a jump. */
__attribute__((noinline, noclone)) static void sleep_long(void)
{
	struct timespec left = {.tv_nsec = 60 * 1000 * 1000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

__attribute__((noinline, noclone)) static void sleep_short(void)
{
	struct timespec left = {.tv_nsec = 30 * 1000 * 1000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	uint64_t long_ns = 0, short_ns = 0;

	alarm(120);
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < rounds; i++) {
		uint64_t start = now_ns(), middle;

		sleep_long();
		middle = now_ns();
		sleep_short();
		long_ns += middle - start;
		short_ns += now_ns() - middle;
	}
	printf("long %llu\nshort %llu\n", (unsigned long long)long_ns, (unsigned long long)short_ns);
	return 0;
}
