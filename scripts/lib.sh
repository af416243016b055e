# shellcheck shell=bash disable=SC2034 # The scripts that source this use its lists.
# What the scripts share. Sourced, never run.

# What the build needs, and what the tests use beside it.
build_packages=(libbpf-dev libelf-dev libdw-dev libsqlite3-dev zlib1g-dev gcc g++ libc6-dev)
# What scripts/check runs.
check_packages=(clang-format shellcheck)
# The loader and the C library are stripped; libc6-dbg has their names.
# The rest is programs that are profiled, and what their stacks are compared with.
test_packages=(
  apache2-bin binutils chromium curl elfutils gdc gnutls-bin golang-go haproxy iproute2 libc6-dbg libxml2-utils linux-perf
  lld llvm mold nginx-light openssl python3 python3-jsonschema python3-prometheus-client util-linux wrk xz-utils)
# Scripts for browsers are checked by node, and the tests profile it; any node does, not only Debian's.
if ! command -v node >/dev/null; then
  check_packages+=(nodejs)
  test_packages+=(nodejs)
fi
# What runs the tests on other kernels, and what those tests call beside coreutils.
vm_packages=(binutils cpio iproute2 kmod libxml2-utils qemu-system-x86 util-linux)
# The one archive of a static executable that the build packages do not bring along.
release_packages=(libbz2-dev)

# Runs a command as root: as it is for root, by sudo for anyone else.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# Ends the script where there is no Swift toolchain, before anything is installed.
require_swift() {
  if ! command -v swift >/dev/null; then
    echo "swift is not on PATH: get it from https://www.swift.org/install/linux/" >&2
    exit 69
  fi
}

# Installs those of the named Debian packages that are missing; touches nothing and needs no network when none is.
install_packages() {
  local missing=() name
  for name in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
      missing+=("$name")
    fi
  done
  if [ "${#missing[@]}" -eq 0 ]; then
    return 0
  fi
  echo "Installing ${missing[*]}" >&2
  as_root apt-get update -qq >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}
