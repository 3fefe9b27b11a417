#!/bin/sh
# misuse.sh SOURCE_ROOT COMPILER...: the sound half of misuse.c compiles, and none of its mistakes does.
set -u
root=$1
shift
last=41

compiles() {
    "$@" -std=gnu17 -w -D_GNU_SOURCE -fsyntax-only -I "$root" -I "$root/tests/strata" "$root/tests/strata/misuse.c"
}

echo "1..$((last + 1))"
status=0
if errors=$(compiles "$@" -DMISUSE=0 2>&1); then
    echo "ok 1 - the sound code compiles"
else
    echo "not ok 1 - the sound code compiles: $errors"
    status=1
fi
for i in $(seq "$last"); do
    if compiles "$@" "-DMISUSE=$i" >/dev/null 2>&1; then
        echo "not ok $((i + 1)) - mistake $i compiles"
        status=1
    else
        echo "ok $((i + 1)) - mistake $i does not compile"
    fi
done
exit $status
