# shellcheck shell=sh
# How programs for BPF are compiled; sourced by the scripts that do.

# bpf_clang CLANG ARGUMENT…
bpf_clang() {
  bpf_compiler=$1
  shift
  "$bpf_compiler" -target bpf -mcpu=v3 -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter "$@"
}
