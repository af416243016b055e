/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Python frames: how to find those of a thread, and how they are recorded. */
#ifndef SWPROF_ABI_PYTHON_H
#define SWPROF_ABI_PYTHON_H

#include "python_tasks.h"
#include "types.h"

/* Processes with a Python runtime that are known at a time. */
#define SWPROF_PYTHON_PROCESSES_MAX 8192
#define SWPROF_PYTHON_PATH_MAX 3

/* What on the native stack tells where a run of the eval loop ends. */
enum swprof_python_anchor {
	SWPROF_PYTHON_ANCHOR_NONE = 0, /* CPython 3.8 and 3.9: each frame is a run of its own */
	SWPROF_PYTHON_ANCHOR_CFRAME = 1, /* 3.10 and 3.11: the next CFrame of the thread state */
	SWPROF_PYTHON_ANCHOR_SHIM = 2, /* since 3.12: the entry frame itself */
};

/* How a frame keeps its position. */
enum swprof_python_position {
	SWPROF_PYTHON_POSITION_BYTES = 0, /* 3.8 and 3.9: index of a byte of the bytecode */
	SWPROF_PYTHON_POSITION_UNITS = 1, /* 3.10: index of a unit of 2 bytes */
	SWPROF_PYTHON_POSITION_POINTER = 2, /* since 3.11: address of the instruction */
};

/*
 * The Python runtime of a process, a value of the map `pythons` (key: tgid): a path to the thread state, and offsets in
 * bytes. A path starts at the thread pointer (fs base): for each of its steps, value = word at (value + step).
 */
struct swprof_python {
	__u64 code_type; /* address of PyCode_Type: each code object points to it */
	__u64 current_state; /* 3.8 to 3.11: address of the pointer to the state that holds the GIL; else 0 */
	__s32 path[SWPROF_PYTHON_PATH_MAX]; /* to the thread state, with and without the GIL */
	__s32 attached[SWPROF_PYTHON_PATH_MAX]; /* since 3.12: to the state while it holds the GIL, else to 0 */
	__u8 path_length; /* 1..3 */
	__u8 attached_length; /* 0: not known */
	__u8 anchor; /* enum swprof_python_anchor */
	__u8 position; /* enum swprof_python_position */
	__u8 tag_mask; /* low bits of a frame's pointer to its code that are not of the address; since 3.14: 7 */
	__u8 shim_owner; /* `owner` of an entry frame; since 3.12: 3 */
	__u8 other_shim_owner; /* 3.14: 4; else equal to shim_owner */
	__u8 is_free_threaded; /* 0 or 1 */
	/* in the thread state */
	__u16 state_thread; /* thread_id: equal to the thread pointer */
	__u16 state_frame; /* the current frame; 3.11 and 3.12: 0, it is in the CFrame at cframe_frame */
	__u16 state_cframe; /* pointer to the current CFrame, 3.10 to 3.12; else 0 */
	__u16 state_interpreter;
	__u16 state_base_frame; /* since 3.15: the frame at which each chain ends, within the state; else 0 */
	__u16 state_task; /* the asyncio task that runs; 0: not known */
	__u16 state_gil_requested; /* since 3.15; 0: not known */
	/* in a CFrame */
	__u16 cframe_previous;
	__u16 cframe_frame; /* 3.11 and 3.12 */
	/* in a frame */
	__u16 frame_previous;
	__u16 frame_code;
	__u16 frame_position;
	__u16 frame_owner; /* since 3.12 */
	__u16 frame_entry; /* 3.11: is_entry; else 0. 3.10: each frame is a run of its own */
	__u16 frame_size; /* bytes to read for all of these, at most SWPROF_PYTHON_FRAME_SIZE_MAX */
	/* in a code object */
	__u16 code_object_type; /* ob_type */
	__u16 code_argument_count;
	__u16 code_keyword_count;
	__u16 code_flags;
	__u16 code_first_line;
	__u16 code_bytecode; /* since 3.11: where the instructions start */
	__u16 code_size; /* bytes to read for all of these but code_bytecode, at most SWPROF_PYTHON_CODE_SIZE_MAX */
	__u16 code_name; /* pointer to the string of the (qualified) name; */
	__u16 code_file; /* pointer to the string of the file's name */
	__u16 code_lines; /* pointer to the bytes of the line table */
	/* in the interpreter */
	__u16 interpreter_collecting; /* a 32-bit number, not 0 while garbage is collected; 0: not known */
	__u16 edition; /* which layout this is, for user space; 0: code objects are not copied */
	__u16 reserved[1];
	struct swprof_python_tasks tasks; /* used if state_task is known */
};
_Static_assert(sizeof(struct swprof_python) == 152, "layout");

#define SWPROF_PYTHON_FRAME_SIZE_MAX 128
#define SWPROF_PYTHON_CODE_SIZE_MAX 160

/*
 * The Python side of a stack: `python_words` words of 8 bytes behind the native user frames, two for each record, from
 * leaf to root. A record is a frame, or a mark whose first word is one of the following.
 *
 * A frame has the address of its code object, and SWPROF_PYTHON_PLACE(): a unit of 2 bytes of its bytecode that is
 * being executed, and a cookie that tells the code object from another one at the same address later.
 */
#define SWPROF_PYTHON_FRAMES_MAX 128
/* A boundary for each frame, some marks, and the tasks. The last one is a mark if more would follow. */
#define SWPROF_PYTHON_RECORDS_MAX 384
#define SWPROF_PYTHON_WORDS_MAX (2 * SWPROF_PYTHON_RECORDS_MAX)
_Static_assert(SWPROF_PYTHON_RECORDS_MAX >= 2 * SWPROF_PYTHON_FRAMES_MAX + SWPROF_PYTHON_TASK_RECORDS_MAX + 8, "room");

#define SWPROF_PYTHON_PLACE(unit, cookie) ((__u64)(cookie) << 32 | (__u32)(unit))
#define SWPROF_PYTHON_COOKIE(arguments, keywords, flags, first_line)                                                   \
	((__u32)(arguments) << 25 ^ (__u32)(keywords) << 18 ^ (__u32)(flags) << 10 ^ (__u32)(first_line))
/* The unit of a frame that has not executed an instruction. */
#define SWPROF_PYTHON_UNIT_NONE 0xffffffff

enum swprof_python_mark {
	SWPROF_PYTHON_BOUNDARY = 1, /* the end of a run of the eval loop; second word: SWPROF_PYTHON_END() */
	SWPROF_PYTHON_TRUNCATED = 2, /* more than SWPROF_PYTHON_FRAMES_MAX, or the base was not reached */
	SWPROF_PYTHON_UNREADABLE = 3, /* memory of a frame or of its code could not be read */
	SWPROF_PYTHON_NO_CODE = 4, /* a frame whose code is no code object */
	SWPROF_PYTHON_COLLECTING = 5, /* at the leaf: garbage is being collected */
	/* of asyncio, see python_tasks.h */
	SWPROF_PYTHON_TASK = 6, /* the end of the frames of a task; second word: SWPROF_PYTHON_NAME() */
	SWPROF_PYTHON_NAME_WORD = 7, /* before that mark; second word: bytes of the name of the task */
	SWPROF_PYTHON_WAITERS = 8, /* several tasks await the last one; second word: how many */
	SWPROF_PYTHON_TASKS_CUT = 9, /* the tasks that await the last one are not recorded */
};
/* First words below this are marks: no code object has such an address. */
#define SWPROF_PYTHON_MARK_LIMIT 4096

/*
 * Where a run ends. The upper 48 bits are an address on the stack of its eval loop, the lower 16 bits count the native
 * frames and marks from the leaf on that are no deeper than the run: the last of them is the eval loop.
 * SWPROF_PYTHON_DETACHED: none of the native frames has the address.
 */
#define SWPROF_PYTHON_END(address, natives) ((__u64)(address) << 16 | (natives))
#define SWPROF_PYTHON_DETACHED 0xffff

#define SWPROF_PYTHON_HEAD_SIZE 168
/* Powers of two. */
#define SWPROF_PYTHON_NAME_SIZE 256
#define SWPROF_PYTHON_FILE_SIZE 256
#define SWPROF_PYTHON_LINES_SIZE 2048

/*
 * What a code object is called, a record of the ring buffer `python_codes`: copied when it is seen first, as its
 * process may end before user space can read it. Blocks of memory as they are, each as far as it could be read.
 */
struct swprof_python_code {
	__u64 time_ns;
	__u64 code; /* the address of the head */
	__u64 name; /* the addresses of the other blocks */
	__u64 file;
	__u64 lines;
	__u32 tgid;
	__u32 cookie;
	__u16 edition; /* as struct swprof_python has it */
	__u16 name_size;
	__u16 file_size;
	__u16 lines_size;
	__u8 head_bytes[SWPROF_PYTHON_HEAD_SIZE];
	__u8 name_bytes[SWPROF_PYTHON_NAME_SIZE];
	__u8 file_bytes[SWPROF_PYTHON_FILE_SIZE];
	__u8 lines_bytes[SWPROF_PYTHON_LINES_SIZE];
};
_Static_assert(sizeof(struct swprof_python_code) == 2784, "layout");

/* How a thread stood to the global interpreter lock. */
enum swprof_gil {
	SWPROF_GIL_UNKNOWN = 0, /* no Python thread, or not known */
	SWPROF_GIL_HELD = 1,
	SWPROF_GIL_NONE = 2, /* a Python thread without it */
	SWPROF_GIL_WAITING = 3, /* and asking for it */
};

#endif
