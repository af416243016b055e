/*
 * Truth: sleeps some 130 us in each of 32768 stacks, no two of them equal: from main, 15 frames of left or right by the
 * bits of a counter, then leaf.
 * Usage: many_stacks. Prints "ready"; exits with 0 after some 5 s and prints "cpu" and how many nanoseconds of CPU time
 * were used since then, "wall" and how many have passed, "run_delay" and for how many it waited for a CPU, as the
 * kernel has it; else ends by itself after 120 s.
 *
 * Half of a sleep is the timer slack of 50 us, which is every thread's default, and the wakeup.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LEVELS = 15, SLEEP_NS = 80 * 1000 };

static uint64_t left(uint32_t bits, int levels);
static uint64_t right(uint32_t bits, int levels);

__attribute__((noinline, noclone)) static uint64_t leaf(void)
{
	struct timespec rest = {.tv_nsec = SLEEP_NS};

	return (uint64_t)nanosleep(&rest, NULL);
}

static inline __attribute__((always_inline)) uint64_t descend(uint32_t bits, int levels)
{
	if (levels == 0)
		return leaf();
	return bits & 1 ? right(bits >> 1, levels - 1) : left(bits >> 1, levels - 1);
}

/*
 * What is read after the call keeps the compiler from making it a jump, or a loop; a constant of its own keeps it from
 * folding the two functions into one.
 */
__attribute__((noinline, noclone)) static uint64_t left(uint32_t bits, int levels)
{
	volatile uint64_t on_stack = 3;
	uint64_t below = descend(bits, levels);

	return below + on_stack;
}

__attribute__((noinline, noclone)) static uint64_t right(uint32_t bits, int levels)
{
	volatile uint64_t on_stack = 5;
	uint64_t below = descend(bits, levels);

	return below + on_stack;
}

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The second number of schedstat (Documentation/scheduler/sched-stats.rst). */
static uint64_t read_run_delay(void)
{
	unsigned long long running, waiting = 0;
	FILE *file = fopen("/proc/self/schedstat", "r");

	if (file) {
		if (fscanf(file, "%llu %llu", &running, &waiting) != 2)
			waiting = 0;
		fclose(file);
	}
	return waiting;
}

int main(void)
{
	uint64_t cpu, wall, delay;
	volatile uint64_t sum = 0;

	alarm(120);
	puts("ready");
	fflush(stdout);
	delay = read_run_delay();
	cpu = read_ns(CLOCK_PROCESS_CPUTIME_ID);
	wall = read_ns(CLOCK_MONOTONIC);
	for (uint32_t bits = 0; bits < 1u << LEVELS; bits++)
		sum += descend(bits, LEVELS);
	cpu = read_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = read_ns(CLOCK_MONOTONIC) - wall;
	delay = read_run_delay() - delay;
	printf("cpu %llu wall %llu run_delay %llu\n", (unsigned long long)cpu, (unsigned long long)wall,
	       (unsigned long long)delay);
	return 0;
}
