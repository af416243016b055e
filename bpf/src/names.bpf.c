// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The names of kernel addresses, by the kernel's own tables: run as user space asks, attached to nothing. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "abi/names.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct swprof_names);
} names SEC(".maps");

/* Documentation/core-api/printk-formats.rst: `name+0x10/0x40`, in modules with ` [module]`; a number where there is
 * none. */
static const char format[] = "%pS";

SEC("syscall")
int name_addresses(void *context)
{
	__u32 zero = 0;
	struct swprof_names *asked = bpf_map_lookup_elem(&names, &zero);
	__u64 address;

	if (!asked)
		return 0;
	for (__u32 i = 0; i < SWPROF_NAMES_AT_ONCE && i < asked->count; i++) {
		address = asked->addresses[i];
		bpf_snprintf(asked->texts[i], SWPROF_NAME_SIZE, format, &address, sizeof(address));
	}
	return 0;
}
