/* Spends its time in calls through the procedure linkage table, all of them from caller() to abs(). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Volatile, or one call of a function without effects would be enough for the compiler. */
static volatile int sink;

__attribute__((noinline)) int caller(int x)
{
	for (int i = 0; i < 1000000; i++)
		x = abs(x) + 1;
	return x;
}

int main(void)
{
	/* Other stubs, before and behind that of abs(). */
	sink = toupper('a') + (int)labs(-1) + tolower('A') + atoi("1");
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		sink += caller(sink & 1);
}
