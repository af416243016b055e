/*
 * python_forged SECONDS [LIE]
 *
 * Looks like a CPython from outside, 3.12 or 3.13, that executes forged_leaf, which forged_root has called: a process for
 * each version and lie, named "LIE-12" and "LIE-13". Each burns CPU for as long. With LIE, just those two.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HUGE_SIZE (1ULL << 30)

/* _Py_DebugOffsets of a 3.13.0. */
static const uint64_t table[] = {
	8750607829840520312ULL, 0x030d00f0, 0, 283320, 608, 632, 194968, 7272, 7264, 7344, 7400, 7656, 7640, 7648, 16,
	7752, 0, 7768, 7760, 304, 0, 8, 16, 72, 152, 160, 232, 32, 80, 8, 0, 56, 72, 70, 208, 112, 120, 128, 136, 68, 52,
	96, 104, 200, 16, 8, 416, 24, 88, 168, 32, 24, 16, 40, 24, 16, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32,
	16, 40, 240, 200,
};

__attribute__((section(".PyRuntime"), used)) uint64_t _PyRuntime[4096] = { 1 };
uint32_t Py_Version = 0x030c01f0;
uint64_t PyCode_Type[64], dict_type[64], module_type[64];
static uint64_t interpreter[1024], states[2][64], code[2][64], texts[8][16], lines[16], members[64], dict[8], keys[16];
static uint64_t frames[4][16], module[8], cframe[4];
static _Thread_local void *attached;
static int minor;

static void set(void *object, unsigned offset, uint64_t value)
{
	memcpy((char *)object + offset, &value, sizeof(value));
}

static void set_number(void *object, unsigned offset, uint32_t value)
{
	memcpy((char *)object + offset, &value, sizeof(value));
}

#define ADDRESS(object) ((uint64_t)(uintptr_t)(object))

static uint64_t text(int index, const char *characters)
{
	set(texts[index], 16, strlen(characters));
	set_number(texts[index], 32, 1 << 2 | 1 << 5 | 1 << 6);
	strcpy((char *)texts[index] + 40, characters);
	return ADDRESS(texts[index]);
}

static void *huge(void)
{
	void *memory = mmap(NULL, HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		exit(1);
	return memory;
}

static void make_types(void)
{
	static const struct {
		const char *name;
		unsigned offset;
	} names[] = {
		{ "co_argcount", 52 }, { "co_kwonlyargcount", 60 }, { "co_flags", 48 },	 { "co_firstlineno", 68 },
		{ "co_filename", 112 }, { "co_name", 120 },	    { "co_qualname", 128 }, { "co_linetable", 136 },
	};

	set(PyCode_Type, 24, ADDRESS("code"));
	set(PyCode_Type, 240, ADDRESS(members));
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		set(members, 40 * i, ADDRESS(names[i].name));
		set(members, 40 * i + 16, names[i].offset);
	}
	set(dict_type, 24, ADDRESS("dict"));
	set(module_type, 24, ADDRESS("module"));
}

static void make_code(int index, const char *name)
{
	set(code[index], 8, ADDRESS(PyCode_Type));
	set_number(code[index], 68, 10 * (index + 1));
	set(code[index], 112, text(7, "/made/forged.py"));
	set(code[index], 120, text(index, name));
	set(code[index], 128, ADDRESS(texts[index]));
	set(code[index], 136, ADDRESS(lines));
	set(lines, 16, 2);
	memcpy((char *)lines + 32, "\xd8\x00", 2); /* two units, of the next line */
}

static void make_frame(void *frame, void *previous, int index, int owner)
{
	set(frame, 0, index < 0 ? 0 : ADDRESS(code[index]));
	set(frame, 8, ADDRESS(previous));
	set(frame, 56, index < 0 ? 0 : ADDRESS(code[index]) + (minor == 13 ? 200 : 192) + 2);
	((char *)frame)[70] = owner;
}

static void make_thread(void *shim)
{
	void *state = states[0];
	pthread_key_t key;

	make_frame(frames[0], frames[1], 0, 0);
	make_frame(frames[1], shim, 1, 0);
	make_frame(shim, NULL, -1, 3);
	if (minor == 13)
		memcpy(_PyRuntime, table, sizeof(table));
	set(interpreter, minor == 13 ? 7344 : 72, ADDRESS(state));
	set(interpreter, minor == 13 ? 7656 : 944, ADDRESS(dict));
	set(dict, 8, ADDRESS(dict_type));
	set(dict, 32, ADDRESS(keys));
	set(state, 16, ADDRESS(interpreter));
	set(state, minor == 13 ? 152 : 136, ADDRESS(pthread_self()));
	set(state, minor == 13 ? 72 : 56, ADDRESS(minor == 13 ? (void *)frames[0] : (void *)cframe));
	set(cframe, 0, ADDRESS(frames[0]));
	pthread_key_create(&key, NULL);
	pthread_setspecific(key, state);
	attached = state;
}

/* The lies. */

static void no_lie(void)
{
}

static void lie_of_cycle(void)
{
	set(frames[1], 8, ADDRESS(frames[0]));
}

static void lie_of_shims(void)
{
	make_frame(frames[1], frames[1], -1, 3);
}

static void lie_of_threads(void)
{
	set(states[0], 8, ADDRESS(states[0]));
}

static void lie_of_interpreters(void)
{
	set(interpreter, minor == 13 ? 7264 : 0, ADDRESS(interpreter));
	lie_of_threads();
}

static void lie_of_name(void)
{
	uint64_t *name = huge();

	set(name, 16, HUGE_SIZE - 64);
	set_number(name, 32, 1 << 2 | 1 << 5 | 1 << 6);
	set(code[0], 120, ADDRESS(name));
	set(code[0], 128, ADDRESS(name));
	set(texts[7], 16, -1);
}

static void lie_of_lines(void)
{
	uint64_t *table = huge();

	set(table, 16, HUGE_SIZE - 64);
	set(code[0], 136, ADDRESS(table));
	set(table, 32, 0x8080808080808080);
}

/* A dict of modules that has none but the module threading, whose threads are the modules. */
static void lie_of_dict(void)
{
	uint64_t *table = huge();
	uint64_t name = text(3, "threading"), active = text(4, "_active");

	set(module, 8, ADDRESS(module_type));
	set(module, 16, ADDRESS(dict));
	set(dict, 32, ADDRESS(table));
	((char *)table)[9] = 10;
	((char *)table)[10] = 1;
	set(table, 24, 8192);
	for (unsigned i = 0; i < 8192; i++) {
		set(table, 32 + 1024 + 16 * i, i == 8190 ? name : i == 8191 ? active : ADDRESS(states[1]));
		set(table, 32 + 1024 + 16 * i + 8, i == 8190 ? ADDRESS(module) : ADDRESS(dict));
	}
}

static void lie_of_keys(void)
{
	((char *)keys)[9] = 31;
	set(keys, 24, 1ULL << 40);
}

static void lie_of_offsets(void)
{
	static const uint64_t values[] = { 0, 1, 127, 511, 4095, 65534, 65535, 1ULL << 40, -1 };
	unsigned place = 3;

	if (minor < 13)
		return;
	for (; place < sizeof(table) / sizeof(table[0]); place++)
		_PyRuntime[place] = values[place % (sizeof(values) / sizeof(values[0]))];
}

static void *change(void *unused)
{
	(void)unused;
	for (uint64_t i = 0;; i++) {
		set(code[0], 8, i % 3 ? ADDRESS(PyCode_Type) : 0);
		set(code[0], 128, ADDRESS(texts[i % 2]));
		set(texts[7], 16, i % 5 ? 15 : HUGE_SIZE);
		set(lines, 16, i % 7 ? 2 : HUGE_SIZE);
		set(frames[1], 8, i % 11 ? ADDRESS(frames[2]) : i);
		set(_PyRuntime, minor == 13 ? 632 : 40, i % 13 ? ADDRESS(interpreter) : ADDRESS(states[1]));
	}
	return NULL;
}

static void lie_of_change(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, change, NULL);
}

static int forks;

static void lie_of_fork(void)
{
	forks = 1;
}

static const struct {
	const char *name;
	void (*tell)(void);
} lies[] = {
	{ "honest", no_lie },	   { "cycle", lie_of_cycle },	{ "shims", lie_of_shims },   { "threads", lie_of_threads },
	{ "interps", lie_of_interpreters }, { "name", lie_of_name }, { "lines", lie_of_lines }, { "dict", lie_of_dict },
	{ "keys", lie_of_keys },   { "offsets", lie_of_offsets }, { "change", lie_of_change }, { "fork", lie_of_fork },
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

__attribute__((noinline)) static void burn_forged(double end)
{
	volatile uint64_t sum = 0;
	double next = 0;

	while (now() < end) {
		for (int i = 0; i < 200000; i++)
			sum += i;
		if (forks && now() > next) {
			next = now() + 0.01;
			if (!fork()) {
				for (int i = 0; i < 2000000; i++)
					sum += i;
				_exit(0);
			}
		}
		while (forks && waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* What the eval loop is. */
__attribute__((noinline)) static void eval_forged(void (*tell)(void), double end)
{
	uint64_t shim[16] = { 0 };

	make_types();
	make_code(0, "forged_leaf");
	make_code(1, "forged_root");
	make_thread(shim);
	tell();
	/* Now there is an interpreter, and not before all else is there. */
	set(_PyRuntime, minor == 13 ? 632 : 40, ADDRESS(interpreter));
	burn_forged(end);
	__asm__ volatile("" : : "r"(shim) : "memory");
}

int main(int argc, char **argv)
{
	double end = now() + (argc > 1 ? atof(argv[1]) : 1);
	char name[16];

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		if (argc > 2 && strcmp(argv[2], lies[i].name))
			continue;
		for (minor = 12; minor <= 13; minor++) {
			if (fork())
				continue;
			snprintf(name, sizeof(name), "%s-%d", lies[i].name, minor);
			prctl(PR_SET_NAME, name);
			eval_forged(lies[i].tell, end);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
