/*
 * Truth: the main thread waits 4000 times in wait_for_byte, at the same depth of the stack each time. What differs is one
 * of its two callers, of the same form, and what it waits for: a pipe or a socket, read by the same call. Which of them is
 * up to chance, and stays the same for up to eight waits. After each quarter, code is mapped and unmapped.
 * Usage: alternating_callers LIBRARY. Prints the number of waits of each kind behind its name, and exits with 0.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITS = 4000, PIPE = 0, SOCKET = 1 };

static int requests[2], readers[2], writers[2];

/* The address of a local keeps the compiler from making the call a jump. */
__attribute__((noipa)) static int wait_for_byte(int file)
{
	char byte;

	return read(file, &byte, 1) == 1 ? byte : -1;
}

__attribute__((noipa)) static int first_caller(int file)
{
	return wait_for_byte(file) + 1;
}

__attribute__((noipa)) static int second_caller(int file)
{
	return wait_for_byte(file) + 1;
}

/* The main thread's state, as in "123 (name) S 1 ...". */
static char main_state(int status)
{
	char text[128] = {0};
	char *end;

	if (pread(status, text, sizeof text - 1, 0) <= 0 || !(end = strrchr(text, ')')))
		exit(1);
	return end[2];
}

/* Writes what the main thread waits for, when that has begun to wait. */
static void *answer(void *unused)
{
	char source, path[64];
	int status;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
	status = open(path, O_RDONLY);
	while (read(requests[0], &source, 1) == 1) {
		do
			usleep(50);
		while (main_state(status) != 'S');
		if (write(writers[(int)source], "", 1) != 1)
			exit(1);
	}
	return unused;
}

int main(int argc, char **argv)
{
	static const char *const names[2][2] = {{"first_pipe", "first_socket"}, {"second_pipe", "second_socket"}};
	long counts[2][2] = {{0}};
	unsigned random = 1, caller = 0, left = 0;
	int pipe_ends[2], socket_ends[2];
	char source = PIPE;
	pthread_t thread;

	if (argc != 2 || pipe(requests) || pipe(pipe_ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, socket_ends))
		return 2;
	readers[PIPE] = pipe_ends[0];
	writers[PIPE] = pipe_ends[1];
	readers[SOCKET] = socket_ends[0];
	writers[SOCKET] = socket_ends[1];
	if (pthread_create(&thread, NULL, answer, NULL))
		return 1;
	for (int i = 0; i < WAITS; i++) {
		if (i % (WAITS / 4) == 0) {
			void *library = dlopen(argv[1], RTLD_NOW);

			if (!library || dlclose(library))
				return 1;
		}
		if (left-- == 0) {
			random = random * 1103515245 + 12345;
			caller = random >> 16 & 1;
			source = random >> 17 & 1;
			left = random >> 18 & 7;
		}
		if (write(requests[1], &source, 1) != 1)
			return 1;
		if ((caller ? second_caller : first_caller)(readers[(int)source]) != 1)
			return 1;
		counts[caller][(int)source]++;
	}
	for (int i = 0; i < 4; i++)
		printf("%s %ld\n", names[i / 2][i % 2], counts[i / 2][i % 2]);
	return 0;
}
