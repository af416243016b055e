#!/bin/sh
# Compiles one BPF program and writes it as a Swift file: compile-bpf.sh CLANG OBJCOPY SOURCE INCLUDE NAME OUTPUT.swift
# Called by the build plugin. The object travels as base64 in a StaticString: a literal array of bytes of this size takes
# the Swift compiler minutes.
set -eu
clang=$1 objcopy=$2 source=$3 include=$4 name=$5 output=$6
object=${output%.swift}.bpf.o
case $(uname -m) in
x86_64) architecture=x86 ;;
aarch64) architecture=arm64 ;;
*) echo "compile-bpf.sh: unsupported architecture $(uname -m)" >&2; exit 69 ;;
esac
"$clang" -target bpf -mcpu=v3 "-D__TARGET_ARCH_$architecture" -std=gnu17 -O2 -g -Wall -Wextra -Werror \
  -Wno-unused-parameter -I "$include" -I "$(dirname "$source")" -c "$source" -o "$object"
"$objcopy" --strip-debug "$object"
{
  echo "// Generated from $(basename "$source") by scripts/compile-bpf.sh."
  echo "extension ProgramImage {"
  printf '  static let %s = ProgramImage(name: "%s", base64: "' "$name" "$name"
  base64 -w 0 "$object"
  echo '")'
  echo "}"
} >"$output"
rm -f "$object"
