/*
 * Truth: starts itself anew as often as it can, so that samples are taken within execve.
 * Usage: exec_again SECONDS. Ends after SECONDS of CPU time, which execve does not reset.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 2)
		return 1;
	if (clock() >= atoi(argv[1]) * CLOCKS_PER_SEC)
		return 0;
	alarm(120);
	execl("/proc/self/exe", argv[0], argv[1], NULL);
	return 1;
}
