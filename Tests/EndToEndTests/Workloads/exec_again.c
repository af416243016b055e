/*
 * Truth: starts itself anew as often as it can, so that samples are taken within execve.
 * Usage: exec_again COUNT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char left[16];

	if (argc != 2 || atoi(argv[1]) <= 0)
		return argc != 2;
	alarm(120);
	snprintf(left, sizeof(left), "%d", atoi(argv[1]) - 1);
	execl("/proc/self/exe", argv[0], left, NULL);
	return 1;
}
