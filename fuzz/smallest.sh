#!/usr/bin/env bash
# Leaves of a target's corpus the inputs that reach something the others do not, under their names.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1 corpus=fuzz/corpus/$1
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
cargo +nightly fuzz run "$target" "$kept" "$corpus" -- -merge=1 2>/dev/null
for file in "$corpus"/*; do
    case $(basename "$file") in
    regression-*) ;;
    *) [ -e "$kept/$(sha1sum "$file" | cut -d' ' -f1)" ] || rm "$file" ;;
    esac
done
echo "$target: $(find "$corpus" -type f | wc -l) inputs, $(du -sb "$corpus" | cut -f1) bytes"
