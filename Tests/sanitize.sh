#!/bin/sh
# Runs the kernels under AddressSanitizer and UndefinedBehaviorSanitizer: every table of this machine against the
# scalar one, then the tests that use them from Swift. Any report fails.
set -eu
cd "$(dirname "$0")/.."
# The test runner itself leaks.
export ASAN_OPTIONS=detect_leaks=0
export UBSAN_OPTIONS=print_stacktrace=1
mkdir -p .build

# Unoptimised: what an optimiser removes is checked too, and the unrolled tiles compile in seconds.
compiler=${CC:-clang}
tables=.build/compare_tables
"$compiler" -std=gnu17 -g -fsanitize=address,undefined,float-cast-overflow,float-divide-by-zero \
  -fno-sanitize=function -fno-sanitize-recover=all -DNDEBUG -Wall -Wextra -ISources/CApusKernels/include \
  Tests/Kernels/*.c Sources/CApusKernels/*.c -fuse-ld=lld -lm -o "$tables"
for table in avx2 avx512 avx512_bf16 avx512_fp16 neon; do
  status=0
  "$tables" scalar "$table" || status=$?
  # 2: this machine lacks the table.
  [ "$status" -eq 0 ] || [ "$status" -eq 2 ] || exit "$status"
done

flags="-c release --sanitize=address --scratch-path .build/address
  -Xcc -fsanitize=undefined -Xcc -fno-sanitize=function -Xcc -fsanitize-trap=undefined"
# shellcheck disable=SC2086
swift test $flags --filter 'ApusComputeTests|ApusAttentionTests|TreeTests|FixtureTests' --skip WorkerPool
