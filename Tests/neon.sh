#!/bin/sh
# Compares the NEON kernels with the scalar ones bit by bit, on any machine: clang compiles for 64-bit ARM Linux, and
# where the machine is none itself, qemu runs the result. Debian and Ubuntu have what it needs in
#   apt-get install qemu-user-static libc6-dev-arm64-cross libgcc-12-dev-arm64-cross
# CC and QEMU name other programs, CFLAGS adds flags (such as --sysroot), SEED other problems.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

missing() {
  echo "neon.sh: $1" >&2
  exit 2
}

compiler=${CC:-clang}
command -v "$compiler" > /dev/null || missing "needs clang; CC names it where it has another name"
flags="--target=aarch64-linux-gnu -fuse-ld=lld -static ${CFLAGS:-}"
run=
if [ "$(uname -s)-$(uname -m)" = Linux-aarch64 ]; then
  flags=${CFLAGS:-}
else
  run=${QEMU:-$(command -v qemu-aarch64-static || command -v qemu-aarch64)} ||
    missing "needs qemu-aarch64, as in Debian's package qemu-user-static"
fi
echo 'int main(void) { return 0; }' > "$work/empty.c"
# shellcheck disable=SC2086
"$compiler" $flags "$work/empty.c" -lm -o "$work/empty" 2> "$work/errors" ||
  missing "$compiler cannot link for aarch64-linux-gnu; Debian's packages libc6-dev-arm64-cross and \
libgcc-12-dev-arm64-cross, and lld, do that: $(head -n 1 "$work/errors")"

# What is undefined stops the program; SwiftPM builds without, so both are run.
for checks in "" "-fsanitize=undefined -fno-sanitize=function -fsanitize-trap=undefined"; do
  echo "== $compiler -O2 $checks"
  # shellcheck disable=SC2086
  "$compiler" $flags $checks -std=gnu17 -O2 -DNDEBUG -Wall -Wextra -Werror -ISources/CApusKernels/include \
    Tests/Kernels/*.c Sources/CApusKernels/*.c -lm -o "$work/compare_tables"
  $run "$work/compare_tables" scalar neon "${SEED:-1}"
done

if [ -n "$run" ]; then
  echo "== a processor without dot products"
  best=$($run -cpu cortex-a53 "$work/compare_tables" scalar neon 2>&1) && best="neon there"
  echo "$best"
  case $best in *'its best is "scalar"') ;; *) exit 1 ;; esac
fi
