# Prints "PATH:FUNCTION LINES" for every function over `limit` lines, from its first line to its last brace.
# The formats that swift-format and clang-format keep tell where functions are: a Swift function ends at the brace below
# its first word, and a C function has its braces in the first column.

function report(name, lines) {
  if (lines > limit) printf "%s:%s %d\n", FILENAME, name, lines
}

FNR == 1 { depth = 0; begin = 0; name = ""; isC = FILENAME ~ /\.[ch]$/ }

# The first line of a C function is the first one of its signature; the line before it is none of code.
isC && !begin && /^[A-Za-z_].*\(/ {
  if (!head) head = FNR
  if (!/^SEC\(/) name = $0
}
isC && !begin && (/;$/ || /^$/ || /^#/) { head = 0 }
isC && /^{$/ { begin = head ? head : FNR }
isC && begin && /^}/ {
  gsub(/__attribute__ *\(\([a-z_]+\)\) */, "", name)
  sub(/BPF_PROG\(/, "", name)
  sub(/[(,].*/, "", name)
  sub(/.*[ *]/, "", name)
  report(name, FNR - begin + 1)
  begin = 0
  head = 0
}
isC || /^ *$/ { next }

{
  match($0, /^ */)
  indent = RLENGTH
  text = substr($0, indent + 1)
  while (depth > 0 && indent <= indents[depth]) {
    # A signature of several lines goes on.
    if (indent == indents[depth] && text ~ /^(\)|where |\{)/) break
    if (indent == indents[depth] && text ~ /^}/) report(names[depth], FNR - begins[depth] + 1)
    depth--
  }
  while (sub(/^(@[A-Za-z]+(\([^)]*\))?|package|private|fileprivate|internal|public|static|override|final|mutating|nonmutating|consuming|borrowing|nonisolated|(private|package)\(set\)) /, "", text)) {}
  if (text ~ /^(func .+|init[?(<]|deinit |subscript[(<]|var .*\{$)/) {
    depth++
    indents[depth] = indent
    begins[depth] = FNR
    sub(/^(func|var) /, "", text)
    sub(/[ (<:?{].*/, "", text)
    names[depth] = text
  }
}
