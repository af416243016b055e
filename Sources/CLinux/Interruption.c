#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME_SIZE = 128, MESSAGE_SIZE = 512, ECHO_MS = 100 };

static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
enum { CAUGHT = sizeof(caught) / sizeof(caught[0]) };

static struct sigaction original[CAUGHT];
static int arrivals[2] = { -1, -1 };
static atomic_uint count;
static atomic_llong first_ms;
static atomic_int first_signal;
static atomic_int hangup_is_harmless;
static atomic_int leaves_on_first;
/* Lock-free atomics and plain bytes that are written before the atomic that announces them. */
static char message[MESSAGE_SIZE];
static char partial_name[NAME_SIZE];
static atomic_int partial_directory = -1;

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void leave(int signal)
{
	int directory = atomic_load(&partial_directory);

	if (directory >= 0)
		unlinkat(directory, partial_name, 0);
	_exit(128 + signal);
}

/* Calls functions of signal-safety(7) alone. */
static void arrive(int signal)
{
	int failure = errno;
	unsigned char byte = (unsigned char)signal;

	if (signal != SIGHUP || !atomic_load(&hangup_is_harmless)) {
		long long now = now_ms();

		if (atomic_load(&leaves_on_first)) {
			(void)!write(STDERR_FILENO, message, strlen(message));
			leave(signal);
		}
		/* timeout(1) sends its signal twice, to the process and to its group: that is one. */
		if (atomic_load(&count) > 0 && now - atomic_load(&first_ms) < ECHO_MS)
			goto out;
		if (atomic_fetch_add(&count, 1) > 0)
			leave(signal);
		atomic_store(&first_ms, now);
		atomic_store(&first_signal, signal);
	}
	(void)!write(arrivals[1], &byte, 1);
out:
	errno = failure;
}

int swprof_catch_signals(int hangup_harmless)
{
	struct sigaction action = { .sa_handler = arrive, .sa_flags = SA_RESTART };
	sigset_t set;

	atomic_store(&hangup_is_harmless, hangup_harmless);
	if (arrivals[0] >= 0)
		return arrivals[0];
	if (pipe2(arrivals, O_CLOEXEC | O_NONBLOCK))
		return -1;
	sigemptyset(&set);
	for (int i = 0; i < CAUGHT; i++)
		sigaddset(&set, caught[i]);
	action.sa_mask = set;
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &action, &original[i]);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return arrivals[0];
}

unsigned swprof_signal_count(void)
{
	return atomic_load(&count);
}

int swprof_last_signal(void)
{
	return atomic_load(&first_signal);
}

void swprof_leave_on_signal(const char *text)
{
	strncpy(message, text, MESSAGE_SIZE - 1);
	atomic_store(&leaves_on_first, 1);
}

void swprof_stay_on_signal(void)
{
	atomic_store(&leaves_on_first, 0);
}

void swprof_note_partial_file(int directory, const char *name)
{
	atomic_store(&partial_directory, -1);
	strncpy(partial_name, name, NAME_SIZE - 1);
	atomic_store(&partial_directory, directory);
}

void swprof_forget_partial_file(void)
{
	atomic_store(&partial_directory, -1);
}

void swprof_restore_signals(void)
{
	for (int i = 0; i < CAUGHT && arrivals[0] >= 0; i++)
		sigaction(caught[i], &original[i], NULL);
}

void swprof_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < CAUGHT; i++)
		sigaddset(&set, caught[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
}
