/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts about x86-64: registers, signal frames, return addresses, call instructions, system calls. Included by arch.h.
 */
#ifndef SWPROF_ARCH_X86_64_H
#define SWPROF_ARCH_X86_64_H

#include "abi/tables.h"
#include "../plain_c.h"

/* The general registers, in the order of their DWARF numbers (System V ABI, AMD64 supplement, figure 3.36). */
#define ARCH_REGISTERS(X)                                                                                              \
	X(AX, ax)                                                                                                      \
	X(DX, dx)                                                                                                      \
	X(CX, cx)                                                                                                      \
	X(BX, bx)                                                                                                      \
	X(SI, si)                                                                                                      \
	X(DI, di)                                                                                                      \
	X(BP, bp)                                                                                                      \
	X(SP, sp)                                                                                                      \
	X(R8, r8)                                                                                                      \
	X(R9, r9)                                                                                                      \
	X(R10, r10)                                                                                                    \
	X(R11, r11)                                                                                                    \
	X(R12, r12)                                                                                                    \
	X(R13, r13)                                                                                                    \
	X(R14, r14)                                                                                                    \
	X(R15, r15)

/* Their DWARF numbers. The instruction pointer comes last: it stands for the return address. */
enum swprof_register {
#define ARCH_NUMBER(number, name) SWPROF_REGISTER_##number,
	ARCH_REGISTERS(ARCH_NUMBER)
#undef ARCH_NUMBER
		SWPROF_REGISTER_RETURN_ADDRESS,
	SWPROF_REGISTER_COUNT,
};

/* Copies the registers of any struct that has them as fields into an array by their DWARF numbers. */
#define ARCH_COPY(number, name) (arch_to)[SWPROF_REGISTER_##number] = (arch_from)->name;
#define arch_copy_registers(to, from)                                                                                  \
	do {                                                                                                           \
		__u64 *arch_to = (to);                                                                                 \
		__typeof__(from) arch_from = (from);                                                                   \
		ARCH_REGISTERS(ARCH_COPY)                                                                              \
		arch_to[SWPROF_REGISTER_RETURN_ADDRESS] = arch_from->ip;                                               \
	} while (0)

/* The reverse. */
#define ARCH_SET(number, name) (arch_to)->name = (arch_from)[SWPROF_REGISTER_##number];
#define arch_set_registers(to, from)                                                                                   \
	do {                                                                                                           \
		__typeof__(to) arch_to = (to);                                                                         \
		const __u64 *arch_from = (from);                                                                       \
		ARCH_REGISTERS(ARCH_SET)                                                                               \
		arch_to->ip = arch_from[SWPROF_REGISTER_RETURN_ADDRESS];                                               \
	} while (0)

#define arch_ip(regs) ((regs)->ip)
#define arch_sp(regs) ((regs)->sp)
#define arch_bp(regs) ((regs)->bp)

/*
 * The place of a register among those besides rbp that functions keep for their callers (System V ABI, AMD64
 * supplement, section 3.2.1): rbx, r12, r13, r14, r15. SWPROF_KEPT_REGISTERS: it is none of them.
 */
static __always_inline __u32 arch_kept_index(__u64 number)
{
	if (number == SWPROF_REGISTER_BX)
		return 0;
	if (number >= SWPROF_REGISTER_R12 && number <= SWPROF_REGISTER_R15)
		return number - SWPROF_REGISTER_R12 + 1;
	return SWPROF_KEPT_REGISTERS;
}

/* Where a frame's return address is, by default: a call pushes it, so that it lies below the frame address. */
static __always_inline __u64 arch_return_place(__u64 frame_address)
{
	return frame_address - 8;
}

/* ---- Registers on entry to the kernel, and those that a signal has interrupted ---- */

/* struct pt_regs (arch/x86/include/asm/ptrace.h); the context of a perf_event program begins with it. */
struct swprof_user_regs {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

/* What the kernel puts on the stack for a signal handler (arch/x86/include/uapi/asm/sigcontext.h). */
struct arch_signal_registers {
	__u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	__u64 cs; /* in the lowest 16 bits */
};
/* Where they are, counted from rsp of the frame that returns from the handler: uc_mcontext in a struct ucontext. */
#define ARCH_SIGNAL_REGISTERS_OFFSET 40

/* There is a walk of 32-bit code: unwind/compat.h. */
#define ARCH_HAS_COMPAT_WALK
/* The selector of 32-bit code, GDT_ENTRY_DEFAULT_USER32_CS * 8 + 3 (arch/x86/include/asm/segment.h). */
#define ARCH_COMPAT_SEGMENT 0x23
/* Bit 2 of a selector: the segment is in a table that the process has made, modify_ldt(2). None has 64-bit code. */
#define ARCH_LOCAL_SEGMENT 4

/* Whether a code segment holds code that is not 64-bit. The kernel may keep more than the selector (FRED). */
static __always_inline bool arch_is_compat_segment(__u64 cs)
{
	return (cs & 0xffff) == ARCH_COMPAT_SEGMENT || cs & ARCH_LOCAL_SEGMENT;
}

#define arch_is_compat(regs) arch_is_compat_segment((regs)->cs)
/* Whether code is in a segment of the process's own. Where that begins is not known. */
#define arch_has_local_segment(regs) (((regs)->cs & ARCH_LOCAL_SEGMENT) != 0)

/* ---- Code ---- */

/* Functions begin at multiples of it. */
#define ARCH_FUNCTION_ALIGNMENT 16
/* How much code before an address, and from it on, is looked at for a call. */
#define ARCH_CALL_BYTES 8

static __always_inline __u32 arch_code_word(const __u8 *code)
{
	return code[0] | code[1] << 8 | code[2] << 16 | (__u32)code[3] << 24;
}

/* Whether code is a stub: endbr64 or nothing, then a jump to another place. */
static __always_inline bool arch_is_stub(const __u8 *code)
{
	bool has_mark = arch_code_word(code) == 0xfa1e0ff3;
	__u8 first = has_mark ? code[4] : code[0], second = has_mark ? code[5] : code[1];

	/* bnd jmp, with its prefix. */
	if (first == 0xf2) {
		first = second;
		second = has_mark ? code[6] : code[2];
	}
	return (first == 0xff && second == 0x25) || first == 0xe9;
}

/* Whether the ARCH_CALL_BYTES of code before an address end in a call to a fixed place. */
static __always_inline bool arch_is_direct_call(const __u8 *code)
{
	return code[3] == 0xe8;
}

static __always_inline __u64 arch_call_target(const __u8 *code, __u64 address)
{
	return address + (__s32)arch_code_word(code + 4);
}

/*
 * Whether they end in a call through a register or memory: FF /2 with all its forms of operands (Intel SDM, volume 2,
 * CALL, and table 2-2), by the length of what follows the opcode.
 */
static __always_inline bool arch_is_indirect_call(const __u8 *code)
{
	return (code[6] == 0xff && ((code[7] & 0xf8) == 0xd0 || ((code[7] & 0xf8) == 0x10 && (code[7] & 6) != 4))) ||
	       (code[5] == 0xff && (((code[6] & 0xf8) == 0x50 && code[6] != 0x54) || code[6] == 0x14)) ||
	       (code[4] == 0xff && code[5] == 0x54) ||
	       (code[2] == 0xff && (code[3] == 0x15 || ((code[3] & 0xf8) == 0x90 && code[3] != 0x94))) ||
	       (code[1] == 0xff && (code[2] == 0x94 || (code[2] == 0x14 && (code[3] & 7) == 5)));
}

/* Whether an address is runtime.goexit + 1: the function begins with a nop, and is aligned. */
static __always_inline bool arch_is_go_exit(const __u8 *code, __u64 address)
{
	return address % ARCH_FUNCTION_ALIGNMENT == 1 && code[7] == 0x90 && code[8] == 0xe8;
}

/* Whether an instruction sets up a frame pointer: mov %rsp,%rbp in both forms, and Go's lea n(%rsp),%rbp. */
static __always_inline bool arch_sets_up_frame(const __u8 *code)
{
	__u32 word = arch_code_word(code), three = word & 0xffffff;

	return three == 0xe58948 || three == 0xec8b48 || word == 0x246c8d48 || word == 0x24ac8d48;
}

/* Whether it is a return, with padding behind it. */
static __always_inline bool arch_is_padded_return(const __u8 *code)
{
	__u32 word = arch_code_word(code), padding = (word & 0xffffff) >> 8;

	return (word & 0xff) == 0xc3 &&
	       (padding == 0xcccc || padding == 0x9090 || padding == 0x0f66 || padding == 0x1f0f || padding == 0x2e66 ||
		padding == 0x6666 || padding == 0x9066);
}

/* Whether it is push %rbp; mov %rsp,%rbp. */
static __always_inline bool arch_is_prologue(const __u8 *code)
{
	return arch_code_word(code) == 0xe5894855;
}

/* Whether a byte may begin the end of a function, or what lies between two. */
static __always_inline bool arch_may_end_function(const __u8 *code)
{
	return code[0] == 0xc3 || code[0] == 0xc2 || code[0] == 0xcc;
}

/* Where an instruction that begins or ends a function has the return address, above the stack pointer; else -1. */
static __always_inline int arch_return_offset(const __u8 *code)
{
	__u32 word = arch_code_word(code);

	/* ret, ret n, rep ret */
	if ((word & 0xff) == 0xc3 || (word & 0xff) == 0xc2 || (word & 0xffff) == 0xc3f3)
		return 0;
	/* mov %rsp,%rbp, behind push %rbp */
	return (word & 0xffffff) == 0xe58948 ? 8 : -1;
}

/* Whether code returns from a signal handler: mov $SYS_rt_sigreturn,%rax; syscall. Nine bytes. */
static __always_inline bool arch_is_signal_return(const __u8 *code)
{
	return (arch_code_word(code) == 0x0fc0c748 && arch_code_word(code + 4) == 0x0f000000 && code[8] == 0x05) ||
	       (arch_code_word(code) == 0x00000fb8 && code[4] == 0x00 && code[5] == 0x0f && code[6] == 0x05);
}

#ifdef __bpf__

/* ---- The kernel ---- */

/* The context of a perf_event program: laid out by the verifier, not by BTF (include/uapi/linux/bpf_perf_event.h). */
struct bpf_perf_event_data {
	struct swprof_user_regs regs;
	__u64 sample_period;
	__u64 addr;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#pragma clang attribute pop

/* The code segment of the kernel, which an exception saves behind an address (arch/x86/include/asm/segment.h). */
#define ARCH_KERNEL_SEGMENT 0x10

/* Where the kernel stack of a task begins that does not run. */
#define arch_kernel_sp(task) ((task)->thread.sp)

/* The thread pointer of a task; that of one that runs is from its last switch or arch_prctl(2). */
#define arch_thread_pointer(task) BPF_CORE_READ(task, thread.fsbase)

/* Within a 32-bit system call. */
#define TS_COMPAT 0x0002 /* arch/x86/include/asm/thread_info.h */

/* Numbers of system calls (arch/x86/entry/syscalls/syscall_64.tbl). */
enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_CLOSE = 3,
	CALL_READV = 19,
	CALL_WRITEV = 20,
	CALL_SENDFILE = 40,
	CALL_CONNECT = 42,
	CALL_ACCEPT = 43,
	CALL_SENDTO = 44,
	CALL_RECVFROM = 45,
	CALL_SENDMSG = 46,
	CALL_RECVMSG = 47,
	CALL_SPLICE = 275,
	CALL_ACCEPT4 = 288,
	CALL_RECVMMSG = 299,
	CALL_SENDMMSG = 307,
};

/* Whether a system call is about a descriptor that may be a socket. */
static __always_inline bool arch_is_io(__u64 number)
{
	const __u64 low = 1ULL << CALL_READ | 1ULL << CALL_WRITE | 1ULL << CALL_CLOSE | 1ULL << CALL_READV |
			  1ULL << CALL_WRITEV | 1ULL << CALL_SENDFILE | 1ULL << CALL_CONNECT | 1ULL << CALL_ACCEPT |
			  1ULL << CALL_SENDTO | 1ULL << CALL_RECVFROM | 1ULL << CALL_SENDMSG | 1ULL << CALL_RECVMSG;

	if (number < 64)
		return low >> number & 1;
	return number == CALL_SPLICE || number == CALL_ACCEPT4 || number == CALL_RECVMMSG || number == CALL_SENDMMSG;
}

/* The number of a system call, its arguments, and what it has returned; those of a function are the same but for one.
 */
#define arch_system_call(regs) ((regs)->orig_ax)
#define arch_argument_1(regs) ((regs)->di)
#define arch_argument_2(regs) ((regs)->si)
#define arch_argument_3(regs) ((regs)->dx)
#define arch_argument_4(regs) ((regs)->r10)
#define arch_function_argument_4(regs) ((regs)->cx)
#define arch_result(regs) ((regs)->ax)

/* Whether a task is in a system call; exceptions and interrupts leave a negative number. */
#define arch_is_in_system_call(regs) ((long)(regs)->orig_ax >= 0)

/* Whether a task has called sched_yield(2), whose number 32-bit programs have another one for. */
#define arch_is_in_sched_yield(task, regs) ((regs)->orig_ax == ((task)->thread_info.status & TS_COMPAT ? 158 : 24))

#endif
#endif
