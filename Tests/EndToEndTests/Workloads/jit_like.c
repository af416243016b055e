/*
 * Truth: spends all its time in a loop in anonymous executable memory, as the code of a just-in-time compiler is.
 * Usage: jit_like. Prints "ready ADDRESS" (hexadecimal, without 0x) of the loop; ends by itself after 120 s.
 *
 * Writes no perf-map: the test that runs it does.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
#if defined(__x86_64__)
	static const unsigned char loop[] = { 0x55, 0x48, 0x89, 0xe5, 0xeb, 0xfe }; /* push rbp; mov rbp, rsp; jmp . */
#elif defined(__aarch64__)
	static const unsigned char loop[] = { 0x00, 0x00, 0x00, 0x14 }; /* b . */
#endif
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (code == MAP_FAILED)
		return 1;
	memcpy(code, loop, sizeof loop);
	if (mprotect(code, 4096, PROT_READ | PROT_EXEC))
		return 1;
	__builtin___clear_cache((char *)code, (char *)code + sizeof loop);
	alarm(120);
	printf("ready %lx\n", (unsigned long)code);
	fflush(stdout);
	((void (*)(void))code)();
}
