#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static int open_event(struct perf_event_attr *attr, int cpu)
{
	attr->size = sizeof(*attr);
	return (int)syscall(SYS_perf_event_open, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

int swprof_open_cycles(int cpu, uint64_t hertz)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.freq = 1,
		.sample_freq = hertz,
		.disabled = 1,
	};

	return open_event(&attr, cpu);
}

int swprof_open_cpu_clock(int cpu, uint64_t period_ns)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = period_ns,
		.disabled = 1,
	};

	return open_event(&attr, cpu);
}

int swprof_enable_event(int event)
{
	return ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

int swprof_set_event_period(int event, uint64_t period)
{
	return ioctl(event, PERF_EVENT_IOC_PERIOD, &period);
}

int swprof_open_sideband(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.exclude_kernel = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		/* By bytes: the count of events counts samples, of which there are none. */
		.watermark = 1,
		.wakeup_watermark = 1,
	};

	return open_event(&attr, cpu);
}

int swprof_open_lifecycle(int cpu, uint32_t wakeup_bytes)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.exclude_kernel = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = wakeup_bytes,
	};

	return open_event(&attr, cpu);
}

ssize_t swprof_find_bytes(const void *bytes, size_t size, const void *wanted, size_t wanted_size)
{
	const char *found = size ? memmem(bytes, size, wanted, wanted_size) : NULL;

	return found ? found - (const char *)bytes : -1;
}

int swprof_perf_ring_map(struct swprof_perf_ring *ring, int event, size_t data_pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	ring->data_size = data_pages * page;
	ring->base = mmap(NULL, page + ring->data_size, PROT_READ | PROT_WRITE, MAP_SHARED, event, 0);
	if (ring->base == MAP_FAILED) {
		ring->base = NULL;
		return -1;
	}
	return 0;
}

void swprof_perf_ring_unmap(struct swprof_perf_ring *ring)
{
	if (ring->base)
		munmap(ring->base, (size_t)sysconf(_SC_PAGESIZE) + ring->data_size);
	ring->base = NULL;
}

static void copy_from_ring(const struct swprof_perf_ring *ring, uint64_t position, void *to, size_t size)
{
	const char *data = (const char *)ring->base + sysconf(_SC_PAGESIZE);
	size_t start = (size_t)(position & (ring->data_size - 1));
	size_t first = ring->data_size - start < size ? ring->data_size - start : size;

	memcpy(to, data + start, first);
	memcpy((char *)to + first, data, size - first);
}

size_t swprof_perf_ring_next(struct swprof_perf_ring *ring, void *buffer, size_t capacity)
{
	struct perf_event_mmap_page *control = ring->base;
	uint64_t head = __atomic_load_n(&control->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = control->data_tail;
	struct perf_event_header header;
	size_t size;

	if (tail == head)
		return 0;
	copy_from_ring(ring, tail, &header, sizeof(header));
	if (header.size < sizeof(header) || header.size > head - tail) {
		/* Cannot happen with a sane kernel; skip everything rather than loop. */
		__atomic_store_n(&control->data_tail, head, __ATOMIC_RELEASE);
		return 0;
	}
	size = header.size < capacity ? header.size : capacity;
	copy_from_ring(ring, tail, buffer, size);
	__atomic_store_n(&control->data_tail, tail + header.size, __ATOMIC_RELEASE);
	return size;
}

long swprof_file_system_type(int file)
{
	struct statfs system;

	return fstatfs(file, &system) == 0 ? (long)system.f_type : -1;
}

int swprof_set_thread_groups(size_t count, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

int swprof_open_in_root(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

int swprof_pidfd_open(pid_t process)
{
	return (int)syscall(SYS_pidfd_open, process, 0);
}

pid_t swprof_spawn_gated(char *const arguments[], char *const environment[], const struct rlimit *files,
			 const sigset_t *mask, int *gate)
{
	/* One socket pair serves both ways: a byte opens the gate, and exec closes the child's end or sends its errno. */
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	child = fork();
	if (child == 0) {
		char go;
		int failure;
		ssize_t got;

		/* A signal that comes while it waits is the command's. */
		swprof_block_signals();
		close(ends[0]);
		do {
			got = read(ends[1], &go, 1);
		} while (got < 0 && errno == EINTR);
		if (got != 1)
			_exit(127);
		signal(SIGPIPE, SIG_DFL);
		setrlimit(RLIMIT_NOFILE, files);
		swprof_restore_signals();
		sigprocmask(SIG_SETMASK, mask, NULL);
		execvpe(arguments[0], arguments, environment);
		failure = errno;
		(void)!write(ends[1], &failure, sizeof(failure));
		_exit(failure == ENOENT ? 127 : 126);
	}
	close(ends[1]);
	if (child < 0) {
		int failure = errno;

		close(ends[0]);
		errno = failure;
		return -1;
	}
	*gate = ends[0];
	return child;
}

int swprof_release(int gate)
{
	int failure = 0;
	ssize_t got;

	if (write(gate, "", 1) != 1) {
		failure = errno;
		close(gate);
		return failure;
	}
	do {
		got = read(gate, &failure, sizeof(failure));
	} while (got < 0 && errno == EINTR);
	close(gate);
	return got == sizeof(failure) ? failure : 0;
}

int swprof_has_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets))
		return -1;
	return sets[capability / 32].effective >> (capability % 32) & 1;
}
