#!/usr/bin/env bash
# Allocations a decode step of the engine and worker threads: the difference between a long and a short run.
# The engine's own code makes none. A reader of the stream that waits for its token is woken by the Swift runtime, which
# takes up to two small blocks for it: these are counted too.
# Usage: Benchmarks/allocations.sh APUS [MODEL]
set -euo pipefail
apus=$1
model=${2:-builtin:reader}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cc -O2 -shared -fPIC "$(dirname "$0")/allocations/count.c" -o "$folder/count.so"
for thread in apus.engine apus.worker; do
  for steps in 500 1500; do
    counts[steps]=$(COUNT_THREAD=$thread LD_PRELOAD="$folder/count.so" \
      "$apus" bench throughput -m "$model" -p 0 -n "$steps" -r 4 --quiet 2>&1 |
      sed -n 's/^allocations //p')
  done
  # One run to warm up and four more.
  awk -v a="${counts[500]}" -v b="${counts[1500]}" -v t="$thread" \
    'BEGIN { printf "%s: %.4f allocations a step (%d and %d)\n", t, (b - a) / 5000, a, b }'
done
