#!/bin/sh
# Runs the tests under the thread sanitizer: Tests/thread.sh [ARGUMENTS OF swift test, such as --filter NAME].
# Reports, also those of the programs that tests start, are counted and stay in .build/thread/reports; one of them fails.
# Tests are several times slower than usual, so that some which set short limits may fail, and are named. The build takes
# three times the usual time.
set -eu
cd "$(dirname "$0")/.."
here=$PWD/Tests/ThreadSanitizer
build=$PWD/.build/thread
reports=$build/reports
rm -rf "$reports"
mkdir -p "$reports"

clang -shared -fPIC -O1 -o "$build/mutex.so" "$here/mutex.c"
flags="-c release --sanitize=thread --scratch-path $build -Xcc -fsanitize-ignorelist=$here/ignored.txt"
# shellcheck disable=SC2086
swift test list $flags > "$build/tests"

# One test limits the size of files, and with it the sanitizer's memory; another the memory beside the model's size.
# shellcheck disable=SC2086
LD_PRELOAD=$build/mutex.so \
  TSAN_OPTIONS="suppressions=$here/suppressions.txt log_path=$reports/report exitcode=0" \
  swift test $flags --skip-build --skip aFullDiskIsAnErrorThatLeavesWholeLines \
  --skip memoryStaysNearTheSizeOfTheFile "$@" || echo "some tests failed"

count=$(cat "$reports"/* 2> /dev/null | grep -c 'WARNING: ThreadSanitizer') || true
echo "$count reports of the thread sanitizer"
[ "$count" -eq 0 ]
