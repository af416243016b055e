/*
 * Twelve functions of known shares of the time, from 30 % to 0.5 %, in random order, for about three seconds of one
 * CPU: shares [FUNCTION FACTOR] makes one of them take FACTOR times as long.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

static uint64_t state;
static volatile uint64_t sink;

static uint64_t next(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return state >> 33;
}

/* The same loop everywhere, in a function of its own each time: equal numbers of turns are equal shares. */
#define FUNCTION(name)                                                                                                 \
	NOINLINE static void name(unsigned long turns)                                                                 \
	{                                                                                                              \
		uint64_t value = turns;                                                                                \
                                                                                                                       \
		while (turns--)                                                                                        \
			value = value * 2862933555777941757ull + 3037000493ull + sizeof(#name);                        \
		sink = value;                                                                                          \
	}

FUNCTION(f0)
FUNCTION(f1)
FUNCTION(f2)
FUNCTION(f3)
FUNCTION(f4)
FUNCTION(f5)
FUNCTION(f6)
FUNCTION(f7)
FUNCTION(f8)
FUNCTION(f9)
FUNCTION(f10)
FUNCTION(f11)

static void (*const functions[])(unsigned long) = { f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11 };
static double shares[] = { 30, 18, 12, 9.5, 8, 5, 4.5, 4, 3.5, 2.5, 2, 1 };
#define COUNT (sizeof(shares) / sizeof(shares[0]))

NOINLINE static void work(unsigned long rounds)
{
	while (rounds--) {
		unsigned long which = next() % COUNT;

		/* Every function has as many calls; how long they are makes the share. */
		functions[which]((unsigned long)(shares[which] * (400 + next() % 200)));
	}
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 640000;

	state = (uint64_t)time(NULL) * 2654435761u + (uint64_t)clock();
	if (argc > 2)
		shares[strtoul(argv[1], NULL, 10) % COUNT] *= strtod(argv[2], NULL);
	work(rounds);
	return 0;
}
