/*
 * Truth: the thread "blocked" waits in wait_forever from about "ready" until the process exits, a second later; the
 * wait never ends otherwise. The main thread sleeps meanwhile, in let_it_wait.
 * Usage: exits_blocked [MILLISECONDS]. Prints "ready"; exits with 0 after MILLISECONDS (default: 1000), else ends by
 * itself after 120 s.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static pthread_barrier_t all_run;

__attribute__((noinline, noclone)) static void wait_forever(void)
{
	for (;;)
		pause();
}

static void *block(void *unused)
{
	prctl(PR_SET_NAME, "blocked");
	pthread_barrier_wait(&all_run);
	wait_forever();
	return unused;
}

__attribute__((noinline, noclone)) static void let_it_wait(long milliseconds)
{
	struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	pthread_t blocked;

	alarm(120);
	pthread_barrier_init(&all_run, NULL, 2);
	if (pthread_create(&blocked, NULL, block, NULL))
		return 1;
	pthread_barrier_wait(&all_run);
	puts("ready");
	fflush(stdout);
	let_it_wait(argc > 1 ? atol(argv[1]) : 1000);
	_exit(0);
}
