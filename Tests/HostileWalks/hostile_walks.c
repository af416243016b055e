/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Walks stacks, code, registers and rules made up at random, as a target may have them, by the walks of bpf/src/unwind.
 * Built with AddressSanitizer and UndefinedBehaviorSanitizer by scripts/test-walks. Each walk must end, in bounded
 * work, with frames that fit.
 *
 * Usage: hostile_walks WALKS [SEED]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CUnwinding.h"

/* What a target has mapped: code with a table, code without one, code that it has written, and a stack with a hole. */
#define CODE_START 0x10000ULL
#define CODE_SIZE 0x6000ULL
#define TABLE_END (CODE_START + 0x2000)
#define PLAIN_END (CODE_START + 0x4000)
#define STACK_START 0x7f000000ULL
#define STACK_SIZE 0x10000ULL
#define HOLE_SIZE 0x100ULL
#define RULES 64
/* How many of the pieces of code are calls. */
#define CALLS 5

/* More than any walk reads: each frame looks at 16 pieces of code, and the searches of a stack at 200 of its windows.
 */
#define READS_MAX 50000

struct target {
	__u64 random;
	__u64 reads;
	__u64 hole;
	__u8 code[CODE_SIZE];
	__u8 stack[STACK_SIZE];
	struct swprof_unwind_rule rules[RULES];
	struct swprof_python python;
	__u64 thread_pointer;
	__u64 python_records[SWPROF_PYTHON_WORDS_MAX];
	__u32 call_count;
	__u64 calls[CODE_SIZE]; /* what calls return to */
};

/* SplitMix64 */
static __u64 next(struct target *target)
{
	__u64 z = target->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static __u64 below(struct target *target, __u64 limit)
{
	return next(target) % limit;
}

static int read_memory(void *context, void *to, __u32 size, __u64 address)
{
	struct target *target = context;

	target->reads += 1;
	if (address >= CODE_START && address < CODE_START + CODE_SIZE && size <= CODE_START + CODE_SIZE - address) {
		memcpy(to, target->code + (address - CODE_START), size);
		return 0;
	}
	if (address < STACK_START || address >= STACK_START + STACK_SIZE || size > STACK_START + STACK_SIZE - address)
		return 1;
	if (address + size > target->hole && address < target->hole + HOLE_SIZE)
		return 1;
	memcpy(to, target->stack + (address - STACK_START), size);
	return 0;
}

static int find_range(void *context, __u64 address, struct swprof_code_range *range)
{
	struct swprof_code_range found = {.bias = 0};

	if (address >= CODE_START && address < TABLE_END)
		found = (struct swprof_code_range){.start = CODE_START, .end = TABLE_END, .module = 1};
	else if (address >= TABLE_END && address < PLAIN_END)
		found = (struct swprof_code_range){.start = TABLE_END, .end = PLAIN_END};
	else if (address >= PLAIN_END && address < CODE_START + CODE_SIZE)
		found = (struct swprof_code_range){
			.start = PLAIN_END, .end = CODE_START + CODE_SIZE, .flags = SWPROF_RANGE_GENERATED};
	else
		return 1;
	*range = found;
	return 0;
}

static int find_rule(void *context, __u32 module, __u64 address, struct swprof_unwind_rule *rule)
{
	struct target *target = context;

	*rule = target->rules[address / 32 % RULES];
	return 0;
}

/* Instructions that the walks look for, and random bytes between them. */
static void write_code(struct target *target)
{
	static const struct {
		__u8 size;
		__u8 bytes[9];
	} pieces[] = {
		{5, {0xe8, 0, 0, 0, 0}},
		{2, {0xff, 0xd0}},
		{3, {0xff, 0x50, 8}},
		{6, {0xff, 0x15, 1, 2, 3, 4}},
		{7, {0xff, 0x94, 0x24, 1, 2, 3, 4}},
		/* Up to here, calls. */
		{4, {0x55, 0x48, 0x89, 0xe5}},
		{3, {0x48, 0x89, 0xe5}},
		{3, {0x55, 0x89, 0xe5}},
		{3, {0xc3, 0xcc, 0xcc}},
		{2, {0xf3, 0xc3}},
		{9, {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}},
		{7, {0xb8, 0xad, 0, 0, 0, 0xcd, 0x80}},
		{8, {0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80}},
		{4, {0x5d, 0x5a, 0x59, 0xc3}},
		{6, {0xff, 0x25, 0, 0, 0, 0}},
	};
	__u64 place = 0;

	target->call_count = 0;
	while (place + 16 < CODE_SIZE) {
		__u64 kind = below(target, sizeof(pieces) / sizeof(pieces[0]) + 4);
		__u32 size = 1 + below(target, 7);

		if (kind < sizeof(pieces) / sizeof(pieces[0])) {
			size = pieces[kind].size;
			memcpy(target->code + place, pieces[kind].bytes, size);
			if (kind == 0) {
				__s32 distance = (__s32)below(target, CODE_SIZE) - (__s32)(place + size);

				memcpy(target->code + place + 1, &distance, sizeof(distance));
			}
		} else {
			for (__u32 i = 0; i < size; i++)
				target->code[place + i] = next(target);
		}
		place += size;
		if (kind < CALLS)
			target->calls[target->call_count++] = CODE_START + place;
	}
}

/* A word as stacks have them, or worse. */
static __u64 word(struct target *target, __u64 kind)
{
	switch (kind) {
	case 0:
		return 0;
	case 1:
		return next(target);
	case 2:
	case 3:
		return STACK_START + (below(target, STACK_SIZE) & ~7ULL);
	case 4:
		return STACK_START + below(target, STACK_SIZE);
	case 5:
		return ~0ULL - below(target, 64);
	case 6:
		return 0x23;
	case 7:
	case 8:
		return target->calls[below(target, target->call_count)];
	default:
		return CODE_START + below(target, CODE_SIZE);
	}
}

/* Frames one above the other, each with a frame pointer and a return address; some have a word that is no such thing.
 */
static void write_frames(struct target *target, __u64 width, __u64 errors)
{
	__u64 place, value;

	for (place = 0; place + 2 * width <= STACK_SIZE; place += 2 * width) {
		value = STACK_START + place + 2 * width * (1 + below(target, 3) / 2);
		memcpy(target->stack + place, &value, width);
		value = target->calls[below(target, target->call_count)];
		if (below(target, errors) == 0)
			value = word(target, below(target, 10));
		memcpy(target->stack + place + width, &value, width);
	}
}

/* Words of some kinds only, so that guesses go on for long. */
static void write_words(struct target *target, __u64 width)
{
	__u64 kinds = 1 + below(target, 10), first = below(target, 10), place, value;

	for (place = 0; place < STACK_SIZE; place += width) {
		value = word(target, (first + below(target, kinds)) % 10);
		memcpy(target->stack + place, &value, width);
	}
}

static void write_stack(struct target *target)
{
	__u64 width = below(target, 2) ? 8 : 4;

	if (below(target, 2))
		write_frames(target, width, 1 + below(target, 4000));
	else
		write_words(target, width);
	target->hole = below(target, 4) ? ~0ULL - HOLE_SIZE : STACK_START + below(target, STACK_SIZE);
}

static void write_rules(struct target *target)
{
	bool is_regular = below(target, 2);
	__u64 words[2];
	int i;

	for (i = 0; i < RULES; i++) {
		/* What compilers write. */
		if (is_regular && below(target, 50)) {
			target->rules[i] = (struct swprof_unwind_rule){.frame_address = SWPROF_CFA_SP,
								       .frame_pointer = SWPROF_BP_AT_CFA,
								       .offset = 16,
								       .bp_offset = -16};
			continue;
		}
		words[0] = next(target);
		words[1] = next(target);
		memcpy(&target->rules[i], words, sizeof(words));
		if (below(target, 8) == 0)
			continue;
		target->rules[i].frame_address = below(target, SWPROF_CFA_AT_SP_INDEXED + 1);
		target->rules[i].frame_pointer = below(target, 5);
		target->rules[i].return_address = below(target, 8) ? 0 : below(target, 3);
		target->rules[i].offset = 8 * (__s32)below(target, 16) - 8;
		target->rules[i].bp_offset = -16;
		if (below(target, 2))
			target->rules[i].addend = 8 * (__s32)below(target, 16) - 64;
	}
}

/* A state of the thread, and types of code objects all over the stack. Returns where the state is. */
static __u64 write_python_words(struct target *target)
{
	__u64 state = STACK_START + (below(target, STACK_SIZE / 2) & ~7ULL);
	__u64 slot = target->thread_pointer + (__s64)target->python.path[0];

	for (__u64 place = 0; place < STACK_SIZE; place += 8)
		if (below(target, 2))
			memcpy(target->stack + place, &target->python.code_type, sizeof(__u64));
	memcpy(target->stack + (state - STACK_START), &target->thread_pointer, sizeof(__u64));
	if (slot >= STACK_START && slot <= STACK_START + STACK_SIZE - sizeof(state))
		memcpy(target->stack + (slot - STACK_START), &state, sizeof(state));
	return state;
}

#define OBJECTS 8

static void put_word(struct target *target, __u64 address, __u64 word)
{
	if (address >= STACK_START && address <= STACK_START + STACK_SIZE - sizeof(word))
		memcpy(target->stack + (address - STACK_START), &word, sizeof(word));
}

/* Objects on the stack that are tasks, coroutines with their frames, code and strings, all at once, and lead to each other. */
static void write_tasks(struct target *target, __u64 state)
{
	struct swprof_python *python = &target->python;
	__u64 objects[OBJECTS], first;
	__u32 i;

	python->tasks = (struct swprof_python_tasks){
		.text_type = python->code_type, .name = 16, .awaited_by = 24, .coroutine = 32, .is_task = 40, .is_set = 41,
		.task_size = 48, .frame_state = 42, .frame = 48, .stack_pointer = 16, .coroutine_size = 80, .suspended = 1,
		.awaited = 8 * below(target, 3), .set_count = 8 * below(target, 8), .text_length = 88, .text_state = 80,
		.text_ascii = 96, .text_other = 96 + 8 * below(target, 8), .text_kind_shift = below(target, 4)
	};
	python->anchor = SWPROF_PYTHON_ANCHOR_SHIM;
	python->state_task = 16;
	python->state_frame = 8;
	python->frame_code = 0;
	python->frame_previous = 8;
	for (i = 0; i < OBJECTS; i++)
		objects[i] = STACK_START + (below(target, STACK_SIZE) & ~7ULL);
	for (i = 0; i < OBJECTS; i++) {
		__u64 object = objects[i], other = objects[below(target, OBJECTS)];

		put_word(target, object + 8, python->code_type);
		put_word(target, object + 16, objects[below(target, OBJECTS)]);
		put_word(target, object + 24, below(target, 8) ? other : below(target, 2));
		put_word(target, object + 32, objects[below(target, OBJECTS)]);
		put_word(target, object + 40, 1 << 16 | !below(target, 16) << 8 | !!below(target, 8));
		put_word(target, object + 48, objects[below(target, OBJECTS)]);
		put_word(target, object + 56, objects[below(target, OBJECTS)] + 48);
		put_word(target, object + 64, object + 72 + python->tasks.awaited);
		put_word(target, object + 72, objects[below(target, OBJECTS)]);
		put_word(target, object + 80, next(target));
		put_word(target, object + 88, below(target, 4) ? below(target, 64) : next(target));
	}
	first = objects[0];
	put_word(target, state + 8, first + 48);
	put_word(target, state + 16, first);
	put_word(target, first + 32, first);
}

/* Any layout, or one by which much of what the stack has is a frame. */
static void write_python(struct target *target)
{
	struct swprof_python *python = &target->python;
	__u8 *bytes = (__u8 *)python;
	__u64 state;
	__u32 i;

	target->thread_pointer = STACK_START + (below(target, STACK_SIZE) & ~7ULL);
	for (i = 0; i < sizeof(*python); i++)
		bytes[i] = next(target);
	for (i = 0; i < SWPROF_PYTHON_WORDS_MAX; i++)
		target->python_records[i] =
			below(target, 2) ? below(target, 8) : SWPROF_PYTHON_END(STACK_START + below(target, STACK_SIZE), 0);
	if (below(target, 4) == 0)
		return;
	for (i = 0; i < SWPROF_PYTHON_PATH_MAX; i++) {
		python->path[i] = 8 * (__s32)below(target, 512) - 2048;
		python->attached[i] = 8 * (__s32)below(target, 512) - 2048;
	}
	python->path_length = 1;
	python->attached_length = below(target, 4);
	python->anchor = below(target, 3);
	python->shim_owner = next(target);
	python->code_type = STACK_START + (below(target, STACK_SIZE) & ~7ULL);
	python->code_object_type = 8;
	python->state_thread = 0;
	python->state_frame = 8 * below(target, 8);
	python->state_cframe = 8 * below(target, 8);
	python->frame_previous = 8 * below(target, 8);
	python->frame_code = 8 * below(target, 8);
	python->frame_size = 80;
	python->code_size = 80;
	state = write_python_words(target);
	if (below(target, 2))
		write_tasks(target, state);
}

static bool is_sound(const struct swprof_walk_result *result, __u64 reads)
{
	if (result->count == 0 || result->count > SWPROF_USER_FRAMES_MAX || reads > READS_MAX ||
	    result->python_words > SWPROF_PYTHON_WORDS_MAX || result->python_words % 2)
		return false;
	return (result->end >= SWPROF_STACK_COMPLETE && result->end <= SWPROF_STACK_DOUBTED) ||
	       result->end == SWPROF_STACK_COMPAT || result->end == SWPROF_STACK_COMPAT_WHOLE;
}

/* Walks once. Returns 0 when all is as it must be. */
static int walk(struct target *target, bool is_compat)
{
	/* Of its own block of memory, so that a frame too many is seen. */
	struct swprof_walk_result *result = malloc(sizeof(*result));
	__u64 registers[SWPROF_REGISTER_COUNT];
	struct swprof_walk_source source = {
		.context = target,
		.read = read_memory,
		.find_range = find_range,
		.find_rule = find_rule,
		.lowest_code = CODE_START,
		.highest_code = CODE_START + CODE_SIZE,
		.is_wide = below(target, 2),
		.thread_pointer = target->thread_pointer,
	};
	bool sound;

	switch (below(target, 3)) {
	case 0:
		source.python = &target->python;
		break;
	case 1:
		source.python_records = target->python_records;
		source.python_words = below(target, SWPROF_PYTHON_WORDS_MAX + 8);
	}

	for (int i = 0; i < SWPROF_REGISTER_COUNT; i++)
		registers[i] = word(target, below(target, 10));
	if (below(target, 8))
		registers[SWPROF_REGISTER_RETURN_ADDRESS] = CODE_START + below(target, CODE_SIZE);
	if (below(target, 8))
		registers[SWPROF_REGISTER_SP] = STACK_START + (below(target, STACK_SIZE / 2) & ~15ULL);
	if (below(target, 4))
		registers[SWPROF_REGISTER_BP] = registers[SWPROF_REGISTER_SP] + (below(target, 256) & ~15ULL);
	memset(result, 0xff, sizeof(*result));
	target->reads = 0;
	if (is_compat)
		swprof_walk_compat(&source, registers, result);
	else
		swprof_walk(&source, registers, result);
	sound = is_sound(result, target->reads);
	if (!sound)
		fprintf(stderr, "%u frames, end %u, %llu reads\n", result->count, result->end, target->reads);
	free(result);
	return !sound;
}

int main(int argc, char **argv)
{
	unsigned long walks = argc > 1 ? strtoul(argv[1], NULL, 0) : 0, i;
	struct target *target = calloc(1, sizeof(*target));
	__u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	if (walks == 0 || !target) {
		fprintf(stderr, "usage: hostile_walks WALKS [SEED]\n");
		return 64;
	}
	for (i = 0; i < walks; i++) {
		/* Each walk has a seed of its own, so that one that fails can be had alone. */
		target->random = seed + i;
		write_code(target);
		write_rules(target);
		write_stack(target);
		write_python(target);
		if (walk(target, false) || walk(target, true)) {
			fprintf(stderr, "hostile_walks: not as it must be: hostile_walks 1 %llu\n", seed + i);
			return 1;
		}
	}
	free(target);
	return 0;
}
