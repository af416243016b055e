#define _GNU_SOURCE
#include "CLinux.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME_MAX_SIZE = 8192, MEMORY_MAX = 256 << 20 };

typedef char *(*cxx_demangler)(const char *name, char *buffer, size_t *size, int *status);

/* Exported by the Swift runtime (stdlib/public/runtime/Demangle.cpp). */
extern char *swift_demangle(const char *name, size_t length, char *buffer, size_t *size, uint32_t flags);

static char *demangle(cxx_demangler cxx, enum swprof_mangling mangling, const char *name, size_t length)
{
	int status;

	if (mangling == SWPROF_MANGLING_SWIFT)
		return swift_demangle(name, length, NULL, NULL, 0);
	return cxx ? cxx(name, NULL, NULL, &status) : NULL;
}

/* Answers until the other end is closed. A message is the kind of mangling and the name; an answer is the text. */
static void serve(int channel)
{
	/* libstdc++ is in every Swift process, but the linker does not take symbols from libraries of libraries. */
	cxx_demangler cxx = (cxx_demangler)dlsym(RTLD_DEFAULT, "__cxa_demangle");
	char message[NAME_MAX_SIZE + 2];
	ssize_t size;

	while ((size = recv(channel, message, NAME_MAX_SIZE + 1, 0)) > 0) {
		char *text;

		message[size] = 0;
		text = demangle(cxx, (enum swprof_mangling)message[0], message + 1, (size_t)size - 1);
		/* An empty message would read as the end: the answer begins with a byte that says nothing. */
		message[0] = 0;
		size = text ? (ssize_t)strnlen(text, NAME_MAX_SIZE) : 0;
		memcpy(message + 1, text ? text : "", (size_t)size);
		free(text);
		if (send(channel, message, (size_t)size + 1, MSG_NOSIGNAL) < 0)
			break;
	}
}

pid_t swprof_demangler_start(int *channel)
{
	struct rlimit memory = { MEMORY_MAX, MEMORY_MAX }, none = { 0, 0 };
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	child = fork();
	if (child == 0) {
		/* Its parent says when it ends: a terminal sends Ctrl-C to both. */
		swprof_block_signals();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Nothing of the parent's may live on in here: probes stay loaded while a descriptor is open. */
		if (ends[1] > 3)
			close_range(3, (unsigned)ends[1] - 1, 0);
		close_range((unsigned)ends[1] + 1, UINT_MAX, 0);
		setrlimit(RLIMIT_DATA, &memory);
		setrlimit(RLIMIT_CORE, &none);
		serve(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (child < 0) {
		int failure = errno;

		close(ends[0]);
		errno = failure;
		return -1;
	}
	*channel = ends[0];
	return child;
}

ssize_t swprof_demangler_ask(int channel, enum swprof_mangling mangling, const char *name, size_t length, char *reply,
			     size_t capacity, int timeout_ms)
{
	char message[NAME_MAX_SIZE + 1];
	struct pollfd answer = { .fd = channel, .events = POLLIN };
	ssize_t size;
	int ready;

	if (length > NAME_MAX_SIZE) {
		errno = EMSGSIZE;
		return -1;
	}
	message[0] = (char)mangling;
	memcpy(message + 1, name, length);
	if (send(channel, message, length + 1, MSG_NOSIGNAL) < 0)
		return -1;
	do {
		ready = poll(&answer, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0) {
		if (ready == 0)
			errno = ETIMEDOUT;
		return -1;
	}
	size = recv(channel, message, sizeof(message), 0);
	if (size < 1) {
		if (size == 0)
			errno = EPIPE;
		return -1;
	}
	size = (size_t)(size - 1) < capacity ? size - 1 : (ssize_t)capacity;
	memcpy(reply, message + 1, (size_t)size);
	return size;
}
