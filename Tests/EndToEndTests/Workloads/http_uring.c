/*
 * Truth: requests that are sent, and answers that are received, by io_uring alone; no system call names the socket.
 * Usage: http_uring PORT COUNT [before|behind]. Sends COUNT requests for /ok/0 one by one, 20 ms apart where there is a
 * third argument, and prints in the end "requests N bytes_sent A bytes_received B". Exits with 3 where the kernel has no
 * io_uring, or refuses it. With a third argument, prints "ready" and waits for SIGUSR1 before the ring is made, or behind.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ring;
static unsigned *submission_tail, *submission_array, *completion_head, *completion_tail, mask, completion_mask;
static struct io_uring_sqe *entries;
static struct io_uring_cqe *completions;

static int set_up(void)
{
	struct io_uring_params parameters = {};
	char *submissions, *results;

	ring = syscall(SYS_io_uring_setup, 4, &parameters);
	if (ring < 0)
		return -1;
	submissions = mmap(NULL, parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned),
			   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	results = mmap(NULL, parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_CQ_RING);
	entries = mmap(NULL, parameters.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (submissions == MAP_FAILED || results == MAP_FAILED || entries == MAP_FAILED)
		return -1;
	submission_tail = (unsigned *)(submissions + parameters.sq_off.tail);
	submission_array = (unsigned *)(submissions + parameters.sq_off.array);
	mask = *(unsigned *)(submissions + parameters.sq_off.ring_mask);
	completion_head = (unsigned *)(results + parameters.cq_off.head);
	completion_tail = (unsigned *)(results + parameters.cq_off.tail);
	completion_mask = *(unsigned *)(results + parameters.cq_off.ring_mask);
	completions = (struct io_uring_cqe *)(results + parameters.cq_off.cqes);
	return 0;
}

static int perform(int operation, int fd, void *bytes, unsigned size)
{
	unsigned tail = *submission_tail, index = tail & mask, head = *completion_head;
	int result;

	memset(&entries[index], 0, sizeof(entries[index]));
	entries[index].opcode = operation;
	entries[index].fd = fd;
	entries[index].addr = (uintptr_t)bytes;
	entries[index].len = size;
	submission_array[index] = index;
	__atomic_store_n(submission_tail, tail + 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(completion_tail, __ATOMIC_ACQUIRE) == head)
		if (syscall(SYS_io_uring_enter, ring, *submission_tail - tail, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
			return -1;
	result = completions[head & completion_mask].res;
	__atomic_store_n(completion_head, head + 1, __ATOMIC_RELEASE);
	return result;
}

static void await_signal(void)
{
	sigset_t awaited;
	int signal;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGUSR1);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
	printf("ready\n");
	fflush(stdout);
	sigwait(&awaited, &signal);
}

int main(int argc, char **argv)
{
	const char *waits = argc == 4 ? argv[3] : "";
	static char request[] = "GET /ok/0 HTTP/1.1\r\nHost: localhost\r\n\r\n", input[4096];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	long sent = 0, received = 0;
	int fd, count;

	if (argc != 3 && argc != 4)
		return 2;
	if (!strcmp(waits, "before"))
		await_signal();
	if (set_up())
		return 3;
	if (!strcmp(waits, "behind"))
		await_signal();
	address.sin_port = htons(atoi(argv[1]));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return 1;
	count = atoi(argv[2]);
	for (int i = 0; i < count; i++) {
		int size = perform(IORING_OP_SEND, fd, request, sizeof(request) - 1), filled = 0;

		if (size != sizeof(request) - 1)
			return 1;
		sent += size;
		do {
			size = perform(IORING_OP_RECV, fd, input + filled, sizeof(input) - 1 - filled);
			if (size <= 0)
				return 1;
			filled += size;
			input[filled] = 0;
		} while (!strstr(input, "hello world\n"));
		received += filled;
		if (*waits)
			usleep(20000);
	}
	/* Over for TCP too: the ring lets go of the socket some time after the process has ended. */
	if (shutdown(fd, SHUT_WR) || read(fd, input, sizeof(input)))
		return 1;
	printf("requests %d bytes_sent %ld bytes_received %ld\n", count, sent, received);
	return 0;
}
