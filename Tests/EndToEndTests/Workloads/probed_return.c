/*
 * main calls probed, probed calls hot, which takes all the time. The return of probed has a probe, so that the kernel's
 * own address stands on the stack in place of main's.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile unsigned long sink;

__attribute__((noinline)) void hot(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sink += i ^ (i >> 3);
}

__attribute__((noinline)) void probed(unsigned long n)
{
	hot(n);
	sink++;
}

/* The offset in the file of an address of the program. */
static int find_offset(struct dl_phdr_info *info, size_t size, void *result)
{
	unsigned long address = (unsigned long)probed;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		unsigned long start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && address >= start && address < start + segment->p_filesz) {
			*(unsigned long *)result = address - start + segment->p_offset;
			return 1;
		}
	}
	return 0;
}

static unsigned long read_number(const char *path, const char *format)
{
	unsigned long number = 0;
	FILE *file = fopen(path, "r");

	if (!file || fscanf(file, format, &number) != 1)
		_exit(1);
	fclose(file);
	return number;
}

int main(int argc, char **argv)
{
	struct perf_event_attr event = {.size = sizeof(event)};
	char path[4096] = {};
	unsigned long offset = 0;

	alarm(120);
	dl_iterate_phdr(find_offset, &offset);
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return 1;
	event.type = read_number("/sys/bus/event_source/devices/uprobe/type", "%lu");
	event.config = 1UL << read_number("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:%lu");
	event.config1 = (unsigned long)path;
	event.config2 = offset;
	if (syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) < 0) {
		perror("perf_event_open");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		probed(1000000);
}
