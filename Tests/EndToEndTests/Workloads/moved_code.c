/*
 * Truth: spends all its time in moved_leaf, called by main. Once it gets SIGUSR1, the page of moved_leaf has been moved to
 * another address by mremap(2), of which the kernel makes no record. Argument "child": a child that shares its memory
 * (clone(2), CLONE_VM) burns there, and it is the parent that maps a second copy of the page, without moving the first.
 * Usage: moved_code [child]. Prints "ready", and "moved" after the move; ends by itself after 120 s.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAGE 4096
/* Other mappings of the file do not touch those of the move. */
#define DISTANCE (64 * PAGE)

static volatile uint64_t sink;
static volatile sig_atomic_t is_asked;
typedef void leaf(volatile uint64_t *place, uint64_t count);
static leaf *volatile current;

/* In a page of its own, so that it can be moved alone; what it needs, it is given. */
__attribute__((noinline, section(".text.moved"), aligned(PAGE))) void moved_leaf(volatile uint64_t *place, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		*place += i * i;
}

__attribute__((noinline, section(".text.moved"), aligned(PAGE))) void behind_moved(void)
{
	sink++;
}

extern char __executable_start;

static void ask(int signal)
{
	(void)signal;
	is_asked = 1;
}

static char *reserve(void)
{
	char *place = mmap(NULL, DISTANCE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return place == MAP_FAILED ? NULL : place + DISTANCE / 2;
}

__attribute__((noinline)) static int burn(void)
{
	for (;;) {
		current(&sink, 1000000);
		sink++;
	}
	return 0;
}

static int burn_in_child(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return burn();
}

int main(int argc, char **argv)
{
	off_t offset = (char *)moved_leaf - &__executable_start;
	int file = open("/proc/self/exe", O_RDONLY);
	char *place = reserve();
	sigset_t none;
	(void)argv;

	alarm(120);
	signal(SIGUSR1, ask);
	/* The mask is inherited, and may block it. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	current = moved_leaf;
	if (file < 0 || !place)
		return 1;
	if (argc > 1) {
		static char stack[1 << 16] __attribute__((aligned(64)));

		if (clone(burn_in_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) < 0)
			return 1;
	}
	puts("ready");
	fflush(stdout);
	while (!is_asked) {
		if (argc > 1)
			pause();
		else
			moved_leaf(&sink, 1000000);
	}
	if (argc > 1) {
		if (mmap(place, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, offset) == MAP_FAILED)
			return 1;
	} else if (mremap((char *)moved_leaf, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) {
		return 1;
	}
	current = (leaf *)place;
	puts("moved");
	fflush(stdout);
	while (argc > 1)
		pause();
	return burn();
}
