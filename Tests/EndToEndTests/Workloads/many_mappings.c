/*
 * Truth: burns the CPU in code of its own file, which is mapped COUNT times; each slice runs in another one of the
 * mappings, called from main.
 * Usage: many_mappings COUNT. Prints "ready"; ends by itself after 120 s.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* In a page of its own, so that it can be mapped by its offset in the file. */
__attribute__((noinline, section(".text.burn"), aligned(4096))) uint64_t burn_mapped(uint64_t x)
{
	for (int i = 0; i < 100000; i++)
		x = x * 6364136223846793005u + (x >> 29);
	return x;
}

extern char __executable_start;

int main(int argc, char **argv)
{
	int file = open("/proc/self/exe", O_RDONLY);
	int count = argc == 2 ? atoi(argv[1]) : 0;
	off_t offset = (char *)burn_mapped - &__executable_start;
	uint64_t (**copies)(uint64_t) = calloc((size_t)count, sizeof(*copies));
	volatile uint64_t x = 1;

	if (file < 0 || count <= 0 || !copies)
		return 2;
	alarm(120);
	for (int i = 0; i < count; i++) {
		/* Pages between them keep the mappings apart. */
		char *place = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mmap(place + 4096, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, offset) == MAP_FAILED)
			return 2;
		copies[i] = (uint64_t(*)(uint64_t))(place + 4096);
	}
	puts("ready");
	fflush(stdout);
	for (int i = 0;; i = (i + 1) % count)
		x = copies[i](x);
}
