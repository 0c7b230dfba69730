#!/bin/sh
# Runs the tests under the thread sanitizer: Tests/thread.sh [ARGUMENTS OF swift test, such as --filter NAME].
# Reports, also those of the programs that tests start, are counted and stay in .build/thread/reports. Fails for one, and
# for a test that fails. The build takes three times as long as the usual one.
set -eu
cd "$(dirname "$0")/.."
here=$PWD/Tests/ThreadSanitizer
build=$PWD/.build/thread
reports=$build/reports
rm -rf "$reports"
mkdir -p "$reports"

clang -shared -fPIC -O1 -o "$build/mutex.so" "$here/mutex.c"
swift test list -c release --sanitize=thread --scratch-path "$build" > "$build/tests"

failures=0
LD_PRELOAD=$build/mutex.so \
  TSAN_OPTIONS="suppressions=$here/suppressions.txt log_path=$reports/report exitcode=0" \
  swift test -c release --sanitize=thread --scratch-path "$build" --skip-build "$@" || failures=1

count=$(cat "$reports"/* 2> /dev/null | grep -c 'WARNING: ThreadSanitizer') || true
echo "$count reports of the thread sanitizer"
[ "$count" -eq 0 ] || failures=1
exit "$failures"
