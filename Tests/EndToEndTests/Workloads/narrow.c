/*
 * A 32-bit program without a C library: gcc -m32 -nostdlib -static.
 *
 * Usage: narrow MODE MILLISECONDS. Prints "ready" first. All of MODE's work is below _start, run, outer, middle:
 *   burn: uses the CPU in `spin`;
 *   nap: sleeps in `nap`, 10 ms each, and prints "naps N" at the end;
 *   vdso: the same by the system call of the vDSO, in `nap_by_vdso`;
 *   signal: uses the CPU in `handle`, a signal handler, which interrupts `interrupted`;
 *   sleep: sleeps in `nap` once, for all of the time.
 */
struct time {
	int seconds, nanoseconds;
};

struct action {
	void (*handler)(int);
	unsigned flags;
	void (*restorer)(void);
	unsigned mask[2];
};

enum {
	EXIT = 1,
	WRITE = 4,
	GETPID = 20,
	KILL = 37,
	NANOSLEEP = 162,
	RT_SIGACTION = 174,
	RT_SIGPROCMASK = 175,
	CLOCK_GETTIME = 265
};

static unsigned long vdso_entry;

#define HERE static __attribute__((noinline, noclone))

static inline __attribute__((always_inline)) int call(int number, int first, const void *second, const void *third)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(first), "c"(second), "d"(third) : "memory");
	return result;
}

HERE unsigned now_ms(void)
{
	struct time time;

	call(CLOCK_GETTIME, 1, &time, 0);
	return time.seconds * 1000U + time.nanoseconds / 1000000U;
}

HERE void print(const char *text, int number)
{
	char line[32];
	int length = 0, digits = 1000000;

	while (*text)
		line[length++] = *text++;
	for (; number > 0 && digits; digits /= 10)
		if (number >= digits)
			line[length++] = '0' + number / digits % 10;
	line[length++] = '\n';
	call(WRITE, 1, line, (void *)length);
}

HERE unsigned spin(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		__asm__ volatile("" : "+r"(i));
	return rounds;
}

HERE int nap(int nanoseconds, int seconds)
{
	struct time time = {seconds, nanoseconds};

	return call(NANOSLEEP, (int)&time, 0, 0);
}

HERE int nap_by_vdso(int nanoseconds)
{
	struct time time = {0, nanoseconds};
	int result;

	__asm__ volatile("call *%1"
			 : "=a"(result)
			 : "r"(vdso_entry), "0"(NANOSLEEP), "b"(&time), "c"(0), "d"(0)
			 : "memory");
	return result;
}

HERE void handle(int signal)
{
	/* GCC gives no frame to a function that keeps nothing on the stack. */
	volatile int on_stack = signal;

	for (int i = 0; i < 20000000; i++)
		__asm__ volatile("" : "+r"(i));
	__asm__ volatile("" : : "r"(on_stack));
}

/* With a fourth argument, in esi. */
HERE void call4(int number, int first, const void *second, int fourth)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(number), "b"(first), "c"(second), "d"(0), "S"(fourth)
			 : "memory");
}

HERE int interrupted(void)
{
	return call(KILL, call(GETPID, 0, 0, 0), (void *)10, 0);
}

HERE int middle(char mode, int milliseconds)
{
	unsigned end = now_ms() + milliseconds;
	struct action action = {handle, 0, 0, {0, 0}};
	int count = 0;

	/* Whoever has started this may have blocked the signal. */
	if (mode == 'i')
		call4(RT_SIGPROCMASK, 2, action.mask, sizeof action.mask);
	if (mode == 'i')
		call4(RT_SIGACTION, 10, &action, sizeof action.mask);
	while ((int)(end - now_ms()) > 0) {
		switch (mode) {
		case 'n':
			nap(10000000, 0);
			break;
		case 'v':
			nap_by_vdso(10000000);
			break;
		case 'i':
			interrupted();
			break;
		case 'l':
			nap(milliseconds % 1000 * 1000000, milliseconds / 1000);
			break;
		default:
			spin(5000000);
		}
		count++;
	}
	return count;
}

HERE int outer(char mode, int milliseconds)
{
	return middle(mode, milliseconds) + 1;
}

/* The stack as the kernel lays it out: arguments, environment, auxiliary vector. */
__attribute__((noinline, used)) void run(unsigned long *stack)
{
	char *mode = (char *)stack[2], *digits = (char *)stack[3];
	unsigned long *entry = stack + stack[0] + 2;
	int milliseconds = 0, count;

	while (*entry++)
		;
	for (; entry[0]; entry += 2)
		if (entry[0] == 32)
			vdso_entry = entry[1];
	for (; *digits; digits++)
		milliseconds = 10 * milliseconds + *digits - '0';
	print("ready", 0);
	/* burn, nap, vdso, sIgnal, sLeep */
	count = outer(mode[0] == 's' ? mode[1] : mode[0], milliseconds);
	print("naps ", count - 1);
	call(EXIT, 0, 0, 0);
}

__asm__(".text\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %esp, %eax\n"
	"	push %eax\n"
	"	call run\n"
	"	hlt\n"
	".size _start, . - _start\n");
