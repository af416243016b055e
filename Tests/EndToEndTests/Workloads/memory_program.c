/*
 * Truth: runs from a memfd (memfd_create(2)) that it has copied its own file to, and spends all its time in memory_leaf,
 * called by memory_caller and main. Usage: memory_program. Prints "ready"; ends by itself after 120 s.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline)) static void memory_leaf(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sink += i * i;
}

__attribute__((noinline)) static void memory_caller(uint64_t count)
{
	memory_leaf(count);
	sink++;
}

int main(int argc, char **argv, char **environment)
{
	char *arguments[] = {argv[0], "again", NULL};

	if (argc == 1) {
		int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		int memory = memfd_create("a program", MFD_CLOEXEC);

		if (file < 0 || memory < 0 || sendfile(memory, file, NULL, 1 << 30) <= 0)
			return 1;
		fexecve(memory, arguments, environment);
		return 1;
	}
	alarm(120);
	puts("ready");
	fflush(stdout);
	for (;;)
		memory_caller(1000000);
}
