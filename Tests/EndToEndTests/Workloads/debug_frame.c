/* main calls level1, level1 calls level2, level2 calls level3, which takes all the time. */
#include <stdio.h>
#include <unistd.h>

static volatile unsigned long sink;

__attribute__((noinline)) void level3(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sink += i ^ (i >> 3);
}

__attribute__((noinline)) void level2(unsigned long n)
{
	level3(n);
	sink++;
}

__attribute__((noinline)) void level1(unsigned long n)
{
	level2(n);
	sink++;
}

int main(void)
{
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		level1(1000000);
}
