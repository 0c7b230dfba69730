#!/bin/sh
# Runs the kernel tests under AddressSanitizer with undefined behaviour in C trapping, and the worker pool under
# ThreadSanitizer (which does not know Swift's Mutex: it reports the tests' own counters, and nothing else).
set -eu
# The test runner itself leaks.
export ASAN_OPTIONS=detect_leaks=0
cd "$(dirname "$0")/.."
flags="-c release --sanitize=address --scratch-path .build/address
  -Xcc -fsanitize=undefined -Xcc -fno-sanitize=function -Xcc -fsanitize-trap=undefined"
# shellcheck disable=SC2086
swift test $flags --filter 'ApusComputeTests|ApusAttentionTests|TreeTests|FixtureTests' --skip WorkerPool
swift test --sanitize=thread --scratch-path .build/thread --filter WorkerPoolTests
