/*
 * Truth: spends its time at some dozen addresses in each of two stretches of anonymous executable memory.
 * Usage: jit_regions [SECONDS]. Prints "ready ADDRESS ADDRESS" (hexadecimal, without 0x) of their starts; exits with 0
 * after SECONDS of CPU time, else ends by itself after 120 s. Each stretch has two pages, mapped one by one; a page that cannot be run lies between them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* push rbp; mov rbp, rsp; 1: eight times add rax, 1; sub edi, 1; jnz 1b; pop rbp; ret */
static const unsigned char loop[] = {
	0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xc0, 0x01, 0x48, 0x83, 0xc0, 0x01, 0x48, 0x83, 0xc0, 0x01,
	0x48, 0x83, 0xc0, 0x01, 0x48, 0x83, 0xc0, 0x01, 0x48, 0x83, 0xc0, 0x01, 0x48, 0x83, 0xc0, 0x01,
	0x48, 0x83, 0xc0, 0x01, 0x83, 0xef, 0x01, 0x75, 0xdb, 0x5d, 0xc3,
};

int main(int argc, char **argv)
{
	const clock_t limit = argc > 1 ? atoi(argv[1]) * CLOCKS_PER_SEC : 0;
	const int code = PROT_READ | PROT_WRITE | PROT_EXEC, fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	char *memory = mmap(NULL, 5 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	for (int page = 0; page < 5; page++) {
		if (page == 2)
			continue;
		if (mmap(memory + page * 4096, 4096, code, fixed, -1, 0) == MAP_FAILED)
			return 1;
		memcpy(memory + page * 4096 + 256, loop, sizeof loop);
	}
	alarm(120);
	printf("ready %lx %lx\n", (unsigned long)memory, (unsigned long)memory + 3 * 4096);
	fflush(stdout);
	while (limit == 0 || clock() < limit)
		for (int page = 0; page < 5; page++)
			if (page != 2)
				((void (*)(int))(memory + page * 4096 + 256))(1000000);
	return 0;
}
