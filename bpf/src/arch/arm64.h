/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * arm64 is not supported yet. Each function here refuses to compile where it is used. Compiling for arm64 therefore
 * lists what a port must provide, and where; scripts/check-bpf compares the list with arm64.places. Included by arch.h.
 */
#ifndef SWPROF_ARCH_ARM64_H
#define SWPROF_ARCH_ARM64_H

#include "abi/tables.h"
#include "../plain_c.h"

#define ARCH_REFUSES static __inline __attribute__((unavailable("not provided for arm64")))

/* DWARF for the Arm 64-bit Architecture, section 4.1: x0 to x30, sp; the program counter stands for the return address.
 */
enum swprof_register {
	SWPROF_REGISTER_BP = 29,
	SWPROF_REGISTER_SP = 31,
	SWPROF_REGISTER_RETURN_ADDRESS = 32,
	SWPROF_REGISTER_COUNT = 33,
};

/* struct user_pt_regs (arch/arm64/include/uapi/asm/ptrace.h) */
struct swprof_user_regs {
	__u64 regs[31], sp, pc, pstate;
};

struct arch_signal_registers {
	__u64 not_provided;
};

#define ARCH_SIGNAL_REGISTERS_OFFSET 0
#define ARCH_FUNCTION_ALIGNMENT 16
#define ARCH_CALL_BYTES 8
#define ARCH_COMPAT_SEGMENT 0

ARCH_REFUSES void arch_copy_registers(__u64 *to, const void *from)
{
}
ARCH_REFUSES __u64 arch_ip(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_sp(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_bp(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u32 arch_kept_index(__u64 number)
{
	return 0;
}
ARCH_REFUSES __u64 arch_return_place(__u64 frame_address)
{
	return 0;
}
ARCH_REFUSES bool arch_is_compat(const void *regs)
{
	return false;
}
ARCH_REFUSES bool arch_has_local_segment(const void *regs)
{
	return false;
}
ARCH_REFUSES bool arch_is_stub(const __u8 *code)
{
	return false;
}
ARCH_REFUSES bool arch_is_direct_call(const __u8 *code)
{
	return false;
}
ARCH_REFUSES __u64 arch_call_target(const __u8 *code, __u64 address)
{
	return 0;
}
ARCH_REFUSES bool arch_is_indirect_call(const __u8 *code)
{
	return false;
}
ARCH_REFUSES bool arch_is_go_exit(const __u8 *code, __u64 address)
{
	return false;
}
ARCH_REFUSES bool arch_sets_up_frame(const __u8 *code)
{
	return false;
}
ARCH_REFUSES bool arch_is_padded_return(const __u8 *code)
{
	return false;
}
ARCH_REFUSES bool arch_is_prologue(const __u8 *code)
{
	return false;
}
ARCH_REFUSES bool arch_may_end_function(const __u8 *code)
{
	return false;
}
ARCH_REFUSES int arch_return_offset(const __u8 *code)
{
	return -1;
}
ARCH_REFUSES bool arch_is_signal_return(const __u8 *code)
{
	return false;
}

#ifdef __bpf__

struct bpf_perf_event_data {
	struct swprof_user_regs regs;
	__u64 sample_period;
	__u64 addr;
};

#define ARCH_KERNEL_SEGMENT 0

/* Numbers of system calls (include/uapi/asm-generic/unistd.h). */
enum {
	CALL_CLOSE = 57,
	CALL_READ = 63,
	CALL_WRITE = 64,
	CALL_READV = 65,
	CALL_WRITEV = 66,
	CALL_SENDFILE = 71,
	CALL_SPLICE = 76,
	CALL_ACCEPT = 202,
	CALL_CONNECT = 203,
	CALL_SENDTO = 206,
	CALL_RECVFROM = 207,
	CALL_SENDMSG = 211,
	CALL_RECVMSG = 212,
	CALL_ACCEPT4 = 242,
	CALL_RECVMMSG = 243,
	CALL_SENDMMSG = 269,
};

ARCH_REFUSES bool arch_is_io(__u64 number)
{
	return false;
}
ARCH_REFUSES __u64 arch_system_call(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_argument_1(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_argument_2(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_argument_3(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_argument_4(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_function_argument_4(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_result(const void *regs)
{
	return 0;
}
ARCH_REFUSES __u64 arch_kernel_sp(const void *task)
{
	return 0;
}
ARCH_REFUSES __u64 arch_thread_pointer(const void *task)
{
	return 0;
}
ARCH_REFUSES bool arch_is_in_system_call(const void *regs)
{
	return false;
}
ARCH_REFUSES bool arch_is_in_sched_yield(const void *task, const void *regs)
{
	return false;
}

#endif
#endif
