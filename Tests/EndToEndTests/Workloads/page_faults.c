/*
 * Truth: reads a file page by page in touch_pages, called by main, each page by a major fault where the file system
 * keeps the file on a disk; where it does not (tmpfs), no fault is a major one.
 * Usage: page_faults FILE [SECONDS]. FILE has a page at least. Prints "ready"; exits with 0 after SECONDS (default: 3)
 * and prints "major" and the number of major faults since then, "wall" and how many nanoseconds were spent in
 * touch_pages, "cpu" and how many of them on a CPU; else ends by itself after 120 s.
 *
 * The kernel drops a page of a file only when it is clean, and mapped by nobody: hence fsync() first, and in each round
 * madvise() before posix_fadvise(). It reads no page ahead of a fault with MADV_RANDOM.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline, noclone)) static uint64_t touch_pages(const volatile uint8_t *start, size_t size, size_t page)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < size; at += page)
		sum += start[at];
	return sum;
}

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static long major_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

int main(int argc, char **argv)
{
	uint64_t limit_ns = (argc > 2 ? strtoull(argv[2], NULL, 10) : 3) * 1000000000;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size;
	uint64_t begin, wall = 0, cpu = 0;
	volatile uint64_t sum = 0;
	struct stat status;
	uint8_t *start;
	long major;
	int file;

	alarm(120);
	file = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	if (file < 0 || fstat(file, &status) || (size_t)status.st_size < page)
		return 2;
	fsync(file);
	size = (size_t)status.st_size / page * page;
	start = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
	if (start == MAP_FAILED || madvise(start, size, MADV_RANDOM))
		return 2;
	puts("ready");
	fflush(stdout);
	major = major_faults();
	begin = read_ns(CLOCK_MONOTONIC);
	do {
		uint64_t wall_before, cpu_before;

		madvise(start, size, MADV_DONTNEED);
		posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
		wall_before = read_ns(CLOCK_MONOTONIC);
		cpu_before = read_ns(CLOCK_THREAD_CPUTIME_ID);
		sum += touch_pages(start, size, page);
		cpu += read_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_before;
		wall += read_ns(CLOCK_MONOTONIC) - wall_before;
	} while (read_ns(CLOCK_MONOTONIC) - begin < limit_ns);
	printf("major %ld wall %llu cpu %llu\n", major_faults() - major, (unsigned long long)wall, (unsigned long long)cpu);
	return 0;
}
