/* What is done before Swift runs. */
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int argument_count;
static char **argument_vector;

/* A file that is opened later must not become a standard stream: results would go into it. Reading and writing fail, as
 * they do without a stream, so that no result vanishes in silence. */
static void open_stream(int descriptor)
{
	int flags = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
	int opened;

	if (fcntl(descriptor, F_GETFD) != -1 || errno != EBADF)
		return;
	/* The lowest free number is this one, as those below are open. */
	opened = open("/dev/null", flags);
	if (opened < 0)
		opened = open("/", O_PATH);
	if (opened >= 0 && opened != descriptor) {
		dup2(opened, descriptor);
		close(opened);
	}
}

/* The C library passes the arguments of main() (csu/libc-start.c of glibc). Swift's own come from /proc, which may be missing. */
__attribute__((constructor)) static void start(int count, char **vector)
{
	argument_count = count;
	argument_vector = vector;
	for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++)
		open_stream(descriptor);
}

char *swprof_argument(int index)
{
	return index < argument_count ? argument_vector[index] : NULL;
}
