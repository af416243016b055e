/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether network programs look at the current process: the bits of the targets, and the phase of the capture. */
#ifndef SWPROF_NET_TARGET_BITS_BPF_H
#define SWPROF_NET_TARGET_BITS_BPF_H

#include "track/targets.bpf.h"
#include "abi/network.h"

const volatile struct swprof_network_config network SEC(".rodata.network") = {};

/*
 * A bit for each process, by the kernel's own number. Every hook looks it up first, and most hooks return then: their
 * process is no target.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << 16);
	__type(key, __u32);
	__type(value, __u64);
} target_bits SEC(".maps");

static __always_inline __u64 *target_word(__u32 tgid)
{
	__u32 index = (tgid >> 6) & 0xffff;

	return bpf_map_lookup_elem(&target_bits, &index);
}

static __always_inline void mark_target(__u32 tgid, bool is_one)
{
	__u64 *word = target_word(tgid);

	if (!word)
		return;
	if (is_one)
		__sync_fetch_and_or(word, 1ULL << (tgid & 63));
	else
		__sync_fetch_and_and(word, ~(1ULL << (tgid & 63)));
}

static __always_inline bool is_marked(__u32 tgid)
{
	__u64 *word = target_word(tgid);

	return word && (*word >> (tgid & 63)) & 1;
}

/* The phase of the capture. Programs are detached one by one; the phase stops all of them at one moment. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32); /* enum swprof_network_phase */
} phase SEC(".maps");

static __always_inline bool has_reached(__u32 expected)
{
	__u32 zero = 0, *value = bpf_map_lookup_elem(&phase, &zero);

	return value && *value >= expected;
}

/* Whether calls are counted. */
static __always_inline bool is_running(void)
{
	__u32 zero = 0, *value = bpf_map_lookup_elem(&phase, &zero);

	return value && *value == SWPROF_NETWORK_RUNNING;
}

/* Whether nobody is a target any more. */
static __always_inline bool is_ending(void)
{
	return has_reached(SWPROF_NETWORK_ENDING);
}

/* Whether user space reads the tables. */
static __always_inline bool is_over(void)
{
	return has_reached(SWPROF_NETWORK_OVER);
}

/* 1 once a thread has called a TLS library that has probes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tls_is_used SEC(".maps");

/* The current process's number in the caller's pid namespace; 0: it has none there. */
__attribute__((noinline)) int current_number(void)
{
	return tgid_in_namespace((struct task_struct *)bpf_get_current_task());
}

/*
 * Whether the current process, of the kernel's number `tgid`, can be a target of a capture of all processes. swprof
 * cannot, nor can a process without a number in swprof's pid namespace: no user could name it.
 */
static __always_inline bool may_be_target(__u32 tgid)
{
	__u32 number;

	if (config.pid_level == 0)
		return tgid && tgid != network.self;
	number = current_number();
	return number && number != network.self;
}

/* Whether the current process, of the kernel's number `tgid`, is a target in this phase of the capture. */
static __always_inline bool is_target_process(__u32 tgid)
{
	switch (config.scope) {
	case SWPROF_SCOPE_ALL:
		return is_running() && may_be_target(tgid);
	case SWPROF_SCOPE_CGROUP:
		return is_running() && bpf_current_task_under_cgroup(&cgroups, 0) == 1 && may_be_target(tgid);
	default:
		/* No bit is set before the capture begins, or after it ends. */
		return is_marked(tgid);
	}
}

static __always_inline bool is_target_current(void)
{
	return is_target_process(bpf_get_current_pid_tgid() >> 32);
}

#endif
