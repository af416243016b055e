/*
 * Truth: the main thread has ended, and the process spends all its time in start_orphan, orphan_caller and orphan_leaf of
 * another thread. Usage: orphaned_threads. Prints "ready" once the main thread is gone; ends by itself after 120 s.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static pthread_t first;
static volatile uint64_t sink;

__attribute__((noinline)) static void orphan_leaf(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sink += i * i;
}

__attribute__((noinline)) static void orphan_caller(uint64_t count)
{
	orphan_leaf(count);
	sink++;
}

static void *start_orphan(void *unused)
{
	pthread_join(first, NULL);
	puts("ready");
	fflush(stdout);
	for (;;)
		orphan_caller(1000000);
}

int main(void)
{
	pthread_t thread;

	alarm(120);
	first = pthread_self();
	if (pthread_create(&thread, NULL, start_orphan, NULL))
		return 1;
	pthread_exit(NULL);
}
