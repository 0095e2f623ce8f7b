#!/bin/sh
# The list of symbols is checked in both directions: changes it in a copy and expects the message. Usage: exports_can_fail.sh ROOT SO A
set -u
root=$1 shared=$2 static=$3
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/tests/header" "$tmp/include"
failed=0
# expect TEXT: in the changed copy exports.sh fails and says TEXT
expect() {
    if "$here/exports.sh" "$tmp" "$shared" "$static" >"$tmp/said" 2>&1; then echo "passed, but should have said: $1"; failed=1; fi
    grep -q "$1" "$tmp/said" || { echo "expected: $1"; cat "$tmp/said"; failed=1; }
    fresh
}
fresh() {
    rm -rf "$tmp/include/fovea"
    cp -r "$root/include/fovea" "$tmp/include/"
    cp "$root"/tests/header/*.symbols "$tmp/tests/header/"
}
fresh
"$here/exports.sh" "$tmp" "$shared" "$static" >"$tmp/said" || { echo "the unchanged copy fails:"; cat "$tmp/said"; failed=1; }
sed -i '/^fv_version$/d' "$tmp/tests/header/libfovea.symbols"
expect 'new in libfovea'
{ echo fv_aaa; cat "$root/tests/header/libfovea.symbols"; } >"$tmp/tests/header/libfovea.symbols"
expect 'no longer exported by libfovea'
sed -i '/fv_version(void)/d' "$tmp/include/fovea/version.h"
expect 'exported, but in no header'
echo 'FV_API int fv_dreamt_of(void);' >>"$tmp/include/fovea/version.h"
expect 'declared, but not exported'
[ $failed = 0 ] && echo "both directions can fail"
exit $failed
