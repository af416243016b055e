#!/bin/sh
# Writes a script or a style sheet as a Swift string: embed-web.sh SOURCE NAME OUTPUT.swift
# Called by the build plugin. A comment at the head of the source is for its readers and is left out.
set -eu
source=$1 name=$2 output=$3
# A raw literal takes every character as it is, except for these two sequences.
if grep -qF -e '"""####' -e '\####' "$source"; then
  echo "embed-web.sh: $source contains '\"\"\"####' or '\\####', which a Swift literal cannot hold" >&2
  exit 65
fi
{
  echo "// Generated from $(basename "$source") by scripts/embed-web.sh."
  echo "extension WebFile {"
  echo "static let $name = ####\"\"\""
  awk '
    NR == 1 && /^\/\*/ { isHead = 1 }
    !isHead { print }
    isHead && /\*\/$/ { isHead = 0 }
  ' "$source"
  echo
  echo '"""####'
  echo "}"
} >"$output"
