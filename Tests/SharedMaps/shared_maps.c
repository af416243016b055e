/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads one object of programs for each kind of capture, the second and all later ones with the maps of the first that
 * both have: targets, the programs that processes run, code and unwind tables. A capture that combines kinds rests on
 * it. Called by scripts/test-maps, as root.
 *
 * Usage: shared_maps FIRST.o OTHER.o...
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/common.h"
#include "abi/tables.h"

/* What tracks processes and walks their stacks. All else belongs to one kind: buffers, sums, scratch memory. */
static const char *const shared[] = {
	"targets", "cgroups", "program_starts", "code_maps", "code_map_edition", "code_files", "unwind_chunks", "pythons",
	"python_switch",
};
/* The programs that keep those maps up to date: attached once. */
static const char *const lifecycle[] = {"process_fork", "process_exec", "process_rename", "process_exit"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct swprof_config *config;
	struct bpf_program *program;
	struct bpf_map *map;
	size_t size;

	if (!object)
		return NULL;
	map = bpf_object__find_map_by_name(object, ".rodata.config");
	config = map ? (struct swprof_config *)bpf_map__initial_value(map, &size) : NULL;
	if (!config || size != sizeof(*config))
		return NULL;
	config->unwind = SWPROF_UNWIND_TABLES;
	config->sides = SWPROF_SIDE_USER | SWPROF_SIDE_KERNEL;
	/* Its tracepoint came with 6.15; user space leaves it out before. */
	program = bpf_object__find_program_by_name(object, "end_switch");
	if (program)
		bpf_program__set_autoload(program, false);
	return object;
}

/* Takes the first object's maps. Returns how many; below 0: not all could be taken. */
static int share(struct bpf_object *object, struct bpf_object *first)
{
	int count = 0;

	for (size_t i = 0; i < COUNT(shared); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, shared[i]);
		struct bpf_map *other = bpf_object__find_map_by_name(first, shared[i]);

		if (!map || !other)
			continue;
		if (bpf_map__reuse_fd(map, bpf_map__fd(other)))
			return -1;
		count++;
	}
	for (size_t i = 0; i < COUNT(lifecycle); i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(object, lifecycle[i]);

		if (program)
			bpf_program__set_autoload(program, false);
	}
	return count;
}

/* Whether what one object is told, the other knows. */
static bool agree(struct bpf_object *object, struct bpf_object *first)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "targets");
	struct bpf_map *other = bpf_object__find_map_by_name(first, "targets");
	__u32 tgid = 4711;
	__u8 present = SWPROF_TARGET_PRESENT, found = 0;

	return !bpf_map__update_elem(other, &tgid, sizeof(tgid), &present, sizeof(present), BPF_ANY) &&
	       !bpf_map__lookup_elem(map, &tgid, sizeof(tgid), &found, sizeof(found), 0) && found == present &&
	       !bpf_map__delete_elem(map, &tgid, sizeof(tgid), 0) &&
	       bpf_map__lookup_elem(other, &tgid, sizeof(tgid), &found, sizeof(found), 0);
}

int main(int argc, char **argv)
{
	struct bpf_object *first, *object;
	int count;

	libbpf_set_print(print);
	if (argc < 3) {
		fprintf(stderr, "usage: shared_maps FIRST.o OTHER.o...\n");
		return 64;
	}
	first = open_object(argv[1]);
	if (!first || bpf_object__load(first)) {
		fprintf(stderr, "shared_maps: cannot load %s\n", argv[1]);
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		object = open_object(argv[i]);
		count = object ? share(object, first) : -1;
		if (count < 2 || bpf_object__load(object) || !agree(object, first)) {
			fprintf(stderr, "shared_maps: cannot load %s with the maps of %s\n", argv[i], argv[1]);
			return 1;
		}
		printf("%s: %d maps of %s\n", argv[i], count, argv[1]);
		bpf_object__close(object);
	}
	bpf_object__close(first);
	return 0;
}
