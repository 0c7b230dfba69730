#!/bin/sh
# Builds the documentation of the library from its articles and comments: .build/docs/Apus.doccarchive. A link that leads
# nowhere fails. The toolchain has all that it needs; DOCC names another docc.
set -eu
cd "$(dirname "$0")/.."
folder=.build/docs
rm -rf "$folder"
mkdir -p "$folder/graphs"

swift build -c release --target Apus
products=$(swift build -c release --show-bin-path)
target=$(swiftc -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p' | head -n 1)
exported=$(sed -n 's/^@_exported import [a-z]* \([A-Za-z]*\)\..*/\1/p' Sources/Apus/Exports.swift | sort -u |
  paste -sd , -)
swift symbolgraph-extract -module-name Apus -target "$target" -minimum-access-level public \
  -skip-synthesized-members -experimental-allowed-reexported-modules="$exported" -output-dir "$folder/graphs" \
  -I "$products/Modules" -Xcc "-fmodule-map-file=$products/CApusKernels.build/module.modulemap"

"${DOCC:-docc}" convert Sources/Apus/Apus.docc --additional-symbol-graph-dir "$folder/graphs" \
  --fallback-display-name Apus --fallback-bundle-identifier apus \
  --warnings-as-errors --output-path "$folder/Apus.doccarchive"
