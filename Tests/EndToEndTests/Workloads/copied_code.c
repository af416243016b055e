/*
 * Truth: spends all its time in copied_leaf, called by copied_caller and main, all of them in anonymous memory at the
 * addresses where the file was mapped: programs copy their code there to have it in large pages.
 * Usage: copied_code. Prints "ready" when it is done; ends by itself after 120 s.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile uint64_t sink;

typedef void *map_function(void *, size_t, int, int, int, off_t);
typedef void *copy_function(void *, const void *, size_t);
typedef void replace_function(char *, size_t, const char *, map_function *, copy_function *);

__attribute__((noinline)) static void copied_leaf(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sink += i * i;
}

__attribute__((noinline)) static void copied_caller(uint64_t count)
{
	copied_leaf(count);
	sink++;
}

/* Runs elsewhere while the pages that it stands in are replaced. */
__attribute__((noinline)) static void replace(char *start, size_t size, const char *copy, map_function *map,
					      copy_function *fill)
{
	map(start, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	fill(start, copy, size);
}

int main(void)
{
	unsigned long start = 0, end = 0;
	char line[512], permissions[5], *copy, *other;
	FILE *maps = fopen("/proc/self/maps", "r");
	replace_function *moved;

	alarm(120);
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, permissions) == 3 && permissions[2] == 'x' &&
		    start <= (unsigned long)main && (unsigned long)main < end)
			break;
	copy = mmap(NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	other = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED || other == MAP_FAILED)
		return 1;
	memcpy(copy, (char *)start, end - start);
	memcpy(other, (char *)replace, 256);
	moved = (replace_function *)other;
	moved((char *)start, end - start, copy, mmap, memcpy);
	puts("ready");
	fflush(stdout);
	for (;;)
		copied_caller(1000000);
}
