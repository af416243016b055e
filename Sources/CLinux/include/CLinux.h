/* What Swift cannot call itself: variadic system calls, unions, and code between fork and exec. */
#pragma once

#include <linux/perf_event.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

/* Every function here returns -1 and sets errno on failure, unless it says otherwise. */

/* An argument of the program, 0 its name; NULL behind the last one. */
char *swprof_argument(int index);

/* Opens a disabled event that ticks on one CPU, for every process: at a mean rate of hardware cycles, or each time that
 * `period_ns` of the CPU clock have passed. */
int swprof_open_cycles(int cpu, uint64_t hertz);
int swprof_open_cpu_clock(int cpu, uint64_t period_ns);
int swprof_enable_event(int event);

/* Changes the rate or the period that an event was opened with. A period begins anew; its first tick is at its end. */
int swprof_set_event_period(int event, uint64_t period);

/* Opens an event that counts nothing and records every executable mapping, name change, fork and exit on one CPU.
 * Records carry pid, tid and CLOCK_MONOTONIC time; every record wakes a poller. */
int swprof_open_sideband(int cpu);

/* Opens an event that records name changes, forks and exits on one CPU, and no mappings. A poller is woken when so many
 * bytes wait. */
int swprof_open_lifecycle(int cpu, uint32_t wakeup_bytes);

/* The place of some bytes among others; -1 where they do not occur. */
ssize_t swprof_find_bytes(const void *bytes, size_t size, const void *wanted, size_t wanted_size);

/* The ring of a perf event: one control page and a power of two of data pages. */
struct swprof_perf_ring {
	void *base;
	size_t data_size;
};

int swprof_perf_ring_map(struct swprof_perf_ring *ring, int event, size_t data_pages);
void swprof_perf_ring_unmap(struct swprof_perf_ring *ring);

/* Copies the next record into `buffer` and frees its place. Returns its size, 0 when there is none; a record longer
 * than `capacity` is cut to it. Never fails. */
size_t swprof_perf_ring_next(struct swprof_perf_ring *ring, void *buffer, size_t capacity);

int swprof_pidfd_open(pid_t process);

/* The type of the file system that an open file lies in, as statfs(2) tells it; -1 on failure. */
long swprof_file_system_type(int file);

/* Sets the supplementary groups of this thread alone (setgroups(2); glibc's own sets those of all). */
int swprof_set_thread_groups(size_t count, const gid_t *groups);

/* Opens a path as it is beneath a root directory: neither `..` nor a symbolic link leads out of it (openat2(2), Linux 5.6).
 * O_CLOEXEC is always added. */
int swprof_open_in_root(int root, const char *path, int flags);

/* Catches SIGINT, SIGTERM and SIGHUP from here on. The first one is a byte, its number, in the pipe whose end is returned;
 * a second one ends the process at once with 128 and its number, whatever it is doing. One that comes within 100 ms of the
 * first counts as that. `hangup_harmless`: 1 where SIGHUP is a byte each time, and neither the first nor the second.
 * Further calls return the same descriptor. */
int swprof_catch_signals(int hangup_harmless);

/* How many signals have come that end something. */
unsigned swprof_signal_count(void);
/* The first of them; 0 where none has come. */
int swprof_last_signal(void);

/* From here on the first signal ends the process too, with this text on standard error. */
void swprof_leave_on_signal(const char *text);
void swprof_stay_on_signal(void);

/* A file that is removed when a signal ends the process; there is one at most. */
void swprof_note_partial_file(int directory, const char *name);
void swprof_forget_partial_file(void);

/* For children, between fork and exec: handles signals as they were before swprof_catch_signals(), or blocks them. */
void swprof_restore_signals(void);
void swprof_block_signals(void);

/* Starts a child that waits: it runs `arguments` (found through PATH) once swprof_release() writes to `gate`, and
 * exits with 127 when the gate is closed instead. Signal dispositions are those at the program's start; environment, limit
 * of open descriptors and signal mask are those given. */
pid_t swprof_spawn_gated(char *const arguments[], char *const environment[], const struct rlimit *files,
			 const sigset_t *mask, int *gate);

/* Lets the child of swprof_spawn_gated() run. Returns 0 once exec has succeeded, else the errno of the exec. */
int swprof_release(int gate);

/* Whether the calling thread has a capability in its effective set: 1, 0 or -1. */
int swprof_has_capability(int capability);

/* Demangling in a child process, which can be ended: the work and the memory of the runtimes' demanglers are exponential
 * in the length of a hostile name. Returns the child, and a channel to it in `channel`. */
pid_t swprof_demangler_start(int *channel);

enum swprof_mangling {
	SWPROF_MANGLING_CXX = 0,
	SWPROF_MANGLING_SWIFT = 1,
};

/* Returns the length of the readable name, cut to `capacity`; 0 when there is none. Fails with ETIMEDOUT, or as the
 * child does. */
ssize_t swprof_demangler_ask(int channel, enum swprof_mangling mangling, const char *name, size_t length, char *reply,
			     size_t capacity, int timeout_ms);
