#!/bin/sh
# archive.sh OUTPUT SCRATCH_DIR CC OBJCOPY AR ARCHIVE...: one archive of one object, in which private names are local, so
# that they meet no name of the program it is linked into.
set -eu
output=$1 scratch=$2 cc=$3 objcopy=$4 ar=$5
shift 5
mkdir -p "$scratch"
object=$scratch/strata.o
# shellcheck disable=SC2086 # a compiler may be a list of words
$cc -r -nostdlib -o "$object" -Wl,--whole-archive "$@" -Wl,--no-whole-archive
"$objcopy" --localize-hidden "$object"
rm -f "$output"
"$ar" rcsD "$output" "$object"
