/*
 * Truth: of every 25 ms the thread "waiter" waits 20 ms for a mutex in want_lock, while the thread "holder" sleeps with
 * it in hold_lock; release_lock of the holder ends each wait. The other 5 ms the holder sleeps in rest and the waiter
 * waits in await_turn, for the lock to be held again. The main thread only waits.
 * Usage: mutex. Prints "ready" once both threads run; exits with 0 on SIGTERM, when the wait at hand is over, and
 * prints "waited" and how many nanoseconds were spent in want_lock; else ends by itself after 120 s.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_run;
static sem_t held;
static atomic_bool ending;
static uint64_t waited_ns;

static inline __attribute__((always_inline)) void sleep_ms(long milliseconds)
{
	struct timespec left = {.tv_nsec = milliseconds * 1000 * 1000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

__attribute__((noinline, noclone)) static void hold_lock(void)
{
	sleep_ms(20);
}

__attribute__((noinline, noclone)) static void rest(void)
{
	sleep_ms(5);
}

/* A result that is read after the call keeps the compiler from making the call a jump; so below. */
__attribute__((noinline, noclone)) static int release_lock(void)
{
	volatile int result = pthread_mutex_unlock(&lock);

	return result;
}

__attribute__((noinline, noclone)) static int want_lock(void)
{
	volatile int result = pthread_mutex_lock(&lock);

	return result;
}

__attribute__((noinline, noclone)) static int await_turn(void)
{
	volatile int result = sem_wait(&held);

	return result;
}

static void *hold(void *unused)
{
	prctl(PR_SET_NAME, "holder");
	pthread_barrier_wait(&all_run);
	for (;;) {
		pthread_mutex_lock(&lock);
		sem_post(&held);
		hold_lock();
		release_lock();
		rest();
	}
	return unused;
}

static void *wait_in_turns(void *unused)
{
	prctl(PR_SET_NAME, "waiter");
	pthread_barrier_wait(&all_run);
	while (!ending) {
		uint64_t start;

		await_turn();
		start = now_ns();
		want_lock();
		waited_ns += now_ns() - start;
		pthread_mutex_unlock(&lock);
	}
	return unused;
}

int main(void)
{
	pthread_t holder, waiter;
	sigset_t end;
	int number;

	alarm(120);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	sem_init(&held, 0, 0);
	pthread_barrier_init(&all_run, NULL, 3);
	if (pthread_create(&holder, NULL, hold, NULL) || pthread_create(&waiter, NULL, wait_in_turns, NULL))
		return 1;
	pthread_barrier_wait(&all_run);
	puts("ready");
	fflush(stdout);
	sigwait(&end, &number);
	ending = true;
	pthread_join(waiter, NULL);
	printf("waited %llu\n", (unsigned long long)waited_ns);
	return 0;
}
