/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Unwind tables, and the code ranges of processes. */
#ifndef SWPROF_ABI_TABLES_H
#define SWPROF_ABI_TABLES_H

#include "types.h"

/*
 * Unwind tables. All of them live in one array of 64-byte lines, made of chunks that user space adds as it needs them.
 * A line number counts from the first line of the first chunk. What belongs together lies in consecutive lines; nothing
 * that a process or a module refers to is changed in place.
 */
#define SWPROF_LINE_SIZE 64
#define SWPROF_CHUNK_LINES 16384 /* 1 MiB */
#define SWPROF_CHUNKS_MAX 256

struct swprof_line {
	__u64 words[8];
};
_Static_assert(sizeof(struct swprof_line) == SWPROF_LINE_SIZE, "layout");

/* The code of a process, the value of the map `code_maps`: `count` code ranges from line `first` on. */
struct swprof_code_map {
	__u32 first;
	__u32 count;
	__u64 program_ns; /* the program that has it mapped: the time of the record of its exec, or of the process's
			     fork */
};
_Static_assert(sizeof(struct swprof_code_map) == 16, "layout");

/*
 * When a process began the program that it runs, and the one before: the times of the tracepoints of exec and fork,
 * which follow those of the records. 0: not known.
 */
struct swprof_program_start {
	__u64 last_ns;
	__u64 previous_ns;
};
_Static_assert(sizeof(struct swprof_program_start) == 16, "layout");

/* Executable memory. The ranges of a process are sorted by address and do not overlap. */
struct swprof_code_range {
	__u64 start;
	__u64 end;
	__u64 bias; /* ELF virtual address = address + bias, modulo 2^64 */
	__u32 module; /* the line of a struct swprof_module, or SWPROF_MODULE_* */
	__u32 flags; /* SWPROF_RANGE_* */
};
_Static_assert(sizeof(struct swprof_code_range) == 32, "layout");

#define SWPROF_RANGE_GENERATED 1 /* of no file: code that the process has written */
/*
 * A file that code is mapped from, the key of the map `code_files`: what /proc/PID/maps says of it, and when it was
 * changed last. All of it is 0 for the vDSO.
 */
struct swprof_file_identity {
	__u64 inode;
	__u64 changed_s; /* st_ctim */
	__u32 changed_ns;
	__u32 device; /* major << 20 | minor */
};
_Static_assert(sizeof(struct swprof_file_identity) == 24, "layout");

#define SWPROF_FILE_SEGMENTS_MAX 4

/* Executable bytes of a file, whole pages. */
struct swprof_file_segment {
	__u64 start; /* file offset */
	__u64 end;
	__u64 bias; /* ELF virtual address = file offset + bias, modulo 2^64 */
};
_Static_assert(sizeof(struct swprof_file_segment) == 24, "layout");

/* By which table stacks are walked through the code of a file, whoever maps it. */
struct swprof_code_file {
	__u32 module; /* as in a code range */
	__u32 count;
	struct swprof_file_segment segments[SWPROF_FILE_SEGMENTS_MAX];
};
_Static_assert(sizeof(struct swprof_code_file) == 104, "layout");

#define SWPROF_MODULE_NONE 0 /* code without a table: its frames are walked by frame pointers */
#define SWPROF_MODULE_NOT_READY 0xffffffff /* code whose table is not built yet, or found no room */

/* The unwind table of a file. `pages`, `rows` and `rules` are the first lines of arrays. */
struct swprof_module {
	__u64 first_page; /* ELF virtual address */
	__u32 page_count;
	__u32 pages; /* of struct swprof_unwind_page */
	__u32 rows; /* of __u32: place within the page << SWPROF_RULE_BITS | index of the rule */
	__u32 rules; /* of struct swprof_unwind_rule */
	__u64 reserved[5];
};
_Static_assert(sizeof(struct swprof_module) == SWPROF_LINE_SIZE, "layout");

#define SWPROF_PAGE_BITS 12
#define SWPROF_RULE_BITS 20

/* The rows of a page of code. An address below all of them belongs to the row before `first`. */
struct swprof_unwind_page {
	__u32 first;
	__u32 count;
};

enum swprof_frame_address {
	SWPROF_CFA_GAP = 0, /* no information */
	SWPROF_CFA_UNSUPPORTED = 1,
	SWPROF_CFA_OUTERMOST = 2,
	SWPROF_CFA_SP = 3, /* rsp + offset */
	SWPROF_CFA_BP = 4, /* rbp + offset */
	SWPROF_CFA_REGISTER = 5, /* register + offset */
	SWPROF_CFA_AT_SP = 6, /* *(rsp + offset) + addend */
	SWPROF_CFA_AT_BP = 7, /* *(rbp + offset) + addend */
	SWPROF_CFA_LINKAGE_STUB = 8, /* rsp + offset, and 8 more where (rip & 15) >= addend */
	SWPROF_CFA_SIGNAL_FRAME = 9, /* all registers stand in the ucontext at rsp */
	SWPROF_CFA_AT_SP_INDEXED = 10, /* *(rsp + offset + 8 * register) + addend */
};

enum swprof_frame_pointer {
	SWPROF_BP_UNKNOWN = 0,
	SWPROF_BP_SAME = 1,
	SWPROF_BP_AT_CFA = 2, /* at the frame address + bp_offset */
	SWPROF_BP_AT_SP = 3, /* at the callee's rsp + bp_offset */
	SWPROF_BP_AT_BP = 4, /* at the callee's rbp + bp_offset */
};

enum swprof_return_address {
	SWPROF_RA_BELOW_CFA = 0, /* at the frame address - 8 */
	SWPROF_RA_REGISTER = 1, /* in `reg`, which the frame address then does not use */
	SWPROF_RA_AT_CFA = 2, /* at the frame address + addend, which the frame address then does not use */
};

/* What a rule says about the caller's rbx, r12, r13, r14 and r15. */
enum swprof_kept_registers {
	SWPROF_KEEPS_ALL = 0, /* none of them has changed */
	SWPROF_KEEPS_SOME = 1, /* `addend` has their places; frame address and return address then do not use it */
	SWPROF_KEEPS_NONE = 2,
};

/*
 * Places: SWPROF_PLACE_BITS for each register in that order, from the lowest bits on. A place n is at the frame
 * address - 8 * n.
 */
#define SWPROF_KEPT_REGISTERS 5
#define SWPROF_PLACE_BITS 6
#define SWPROF_PLACE_SAME 0 /* not changed */
#define SWPROF_PLACE_LOST 63
#define SWPROF_PLACES_LOST 0x3fffffff
#define SWPROF_KEEPS_SHIFT 4

/* How the registers of a caller follow from those of its callee. */
struct swprof_unwind_rule {
	__u8 frame_address; /* enum swprof_frame_address */
	__u8 frame_pointer; /* enum swprof_frame_pointer */
	__u8 return_address; /* enum swprof_return_address */
	__u8 reg; /* DWARF number | enum swprof_kept_registers << SWPROF_KEEPS_SHIFT */
	__s32 offset;
	__s32 addend;
	__s32 bp_offset;
};
_Static_assert(sizeof(struct swprof_unwind_rule) == 16, "layout");

#endif
