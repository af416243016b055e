/*
 * Truth: writes a file of 8 MiB again and again, all of it by workers of the kernel, which are threads of the process and
 * have no user stack. Usage: uring_workers FILE. Prints "ready"; ends by itself after 120 s. Exits with 3 where the kernel
 * has no io_uring, or refuses it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WRITES 8

static char bytes[1 << 20];

int main(int argc, char **argv)
{
	struct io_uring_params parameters = {};
	unsigned *tail, *mask, *array, *head, *results_tail;
	struct io_uring_sqe *entries;
	char *submissions, *results;
	int ring, file;

	if (argc != 2)
		return 64;
	alarm(120);
	ring = syscall(SYS_io_uring_setup, WRITES, &parameters);
	if (ring < 0)
		return 3;
	submissions = mmap(NULL, parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned),
			   PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	results = mmap(NULL, parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe),
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entries = mmap(NULL, parameters.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		       IORING_OFF_SQES);
	file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (submissions == MAP_FAILED || results == MAP_FAILED || entries == MAP_FAILED || file < 0)
		return 1;
	tail = (unsigned *)(submissions + parameters.sq_off.tail);
	mask = (unsigned *)(submissions + parameters.sq_off.ring_mask);
	array = (unsigned *)(submissions + parameters.sq_off.array);
	head = (unsigned *)(results + parameters.cq_off.head);
	results_tail = (unsigned *)(results + parameters.cq_off.tail);
	puts("ready");
	fflush(stdout);
	for (;;) {
		for (unsigned i = 0; i < WRITES; i++) {
			unsigned index = *tail & *mask;

			memset(&entries[index], 0, sizeof(entries[index]));
			entries[index].opcode = IORING_OP_WRITE;
			entries[index].flags = IOSQE_ASYNC;
			entries[index].fd = file;
			entries[index].addr = (uintptr_t)bytes;
			entries[index].len = sizeof(bytes);
			entries[index].off = (uint64_t)i * sizeof(bytes);
			array[index] = index;
			__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
		}
		if (syscall(SYS_io_uring_enter, ring, WRITES, WRITES, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
			return 1;
		__atomic_store_n(head, __atomic_load_n(results_tail, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	}
}
