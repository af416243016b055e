#!/bin/sh
# Compiles one BPF program and writes it as a Swift file, with the names of its maps and programs as enums:
#   compile-bpf.sh CLANG OBJCOPY OBJDUMP SOURCE INCLUDE NAME OUTPUT.swift
# Called by the build plugin. The object travels as base64 in a StaticString: a literal array of bytes of this size takes
# the Swift compiler minutes.
set -eu
# shellcheck source=scripts/bpf-clang.sh
. "$(dirname "$0")/bpf-clang.sh"
clang=$1 objcopy=$2 objdump=$3 source=$4 include=$5 name=$6 output=$7
object=${output%.swift}.bpf.o
case $(uname -m) in
x86_64) architecture=x86 ;;
aarch64) architecture=arm64 ;;
*) echo "compile-bpf.sh: unsupported architecture $(uname -m)" >&2; exit 69 ;;
esac
bpf_clang "$clang" "-D__TARGET_ARCH_$architecture" -I "$include" -I "$(dirname "$source")" -c "$source" -o "$object"
"$objcopy" --strip-debug "$object"

# Prints enums of the names in the object's symbol table; the program `on_cpu_tick` is the case `onCPUTick`.
# libbpf takes each function outside .text for a program, and each data section for a map: `.rodata.config` is the case
# `config` of the constants.
enums() {
  "$objdump" -t "$object" | awk -v object="$name" '
    function capitalized(word) {
      if (word ~ /^(cpu|http|tcp|tls)$/) return toupper(word)
      return toupper(substr(word, 1, 1)) substr(word, 2)
    }
    function swift(name, count, words, text) {
      count = split(name, words, "_")
      text = words[1]
      for (i = 2; i <= count; i++) text = text capitalized(words[i])
      return text
    }
    function add(kind, name, raw) {
      if (seen[kind, name]++) return
      cases[kind] = cases[kind] "  case `" swift(name) "` = \"" raw "\"\n"
    }
    function write(kind, type) {
      type = capitalized(object)
      sub(/cpu$/, "CPU", type)
      if (kind in cases) printf "\nenum %s%s: String, %sName {\n%s}\n", type, kind, kind, cases[kind]
    }
    $2 != "g" { next }
    $3 == "O" && $4 == ".maps" { add("Map", $NF, $NF) }
    $3 == "O" && $4 ~ /^\.rodata\../ { add("Constants", substr($4, 9), $4) }
    $3 == "F" && $4 != ".text" { add("Program", $NF, $NF) }
    END {
      write("Map")
      write("Program")
      write("Constants")
    }'
}

{
  echo "// Generated from $(basename "$source") by scripts/compile-bpf.sh."
  echo "import BPF"
  echo
  echo "extension ProgramImage {"
  printf '  static let %s = ProgramImage(name: "%s", base64: "' "$name" "$name"
  base64 -w 0 "$object"
  echo '")'
  echo "}"
  enums
} >"$output"
rm -f "$object"
