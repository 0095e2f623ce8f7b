#!/bin/sh
# A rule that cannot fail checks nothing: breaks each one in a small tree and expects the message. Usage: can_fail.sh ROOT
set -u
root=$1
command -v python3 >/dev/null || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/src/base" "$tmp/src/kern" "$tmp/src/media" "$tmp/include/fovea" "$tmp/tools/fovea" "$tmp/docs"
printf 'fv_folder(base)\nfv_folder(kern base)\n' >"$tmp/CMakeLists.txt"
printf '/* a */\n' >"$tmp/src/kern/k.h"
failed=0
# expect TEXT FILE CONTENT: with FILE in the tree the check fails and says TEXT
expect() {
    printf "$3" >"$tmp/$2"
    out=$(python3 "$root/scripts/check_layers.py" "$tmp") && { echo "passed, but should have said: $1"; failed=1; }
    case $out in
    *"$1"*) ;;
    *) echo "expected: $1"; echo "got: $out"; failed=1 ;;
    esac
    rm "$tmp/$2"
}
out=$(python3 "$root/scripts/check_layers.py" "$tmp") || { echo "the empty tree fails: $out"; failed=1; }
expect "base may not use kern" src/base/x.c '/* x */\n#include "kern/k.h"\n'
expect "FFmpeg only in src/media" src/base/x.c '/* x */\n#include <libavutil/frame.h>\n'
expect "CUDA only in" src/media/x.c '/* x */\n#include <cuda.h>\n'
expect "tools use public headers only" tools/fovea/x.c '/* x */\n#include "base/alloc.h"\n'
expect "a public header includes public headers" include/fovea/x.h '/* x */\n#include <stdio.h>\n'
expect "calls printf: not in the library" src/base/x.c '/* x */\nvoid f(void) { printf("x"); }\n'
expect "calls abort" src/kern/x.c '/* x */\nvoid f(void) { abort (); }\n'
expect "calls malloc: use base/alloc.h" src/kern/x.c '/* x */\nvoid *f(void) { return malloc(3); }\n'
expect "has a tab" src/base/x.c '/* x */\n\tint x;\n'
expect "has trailing blanks" src/base/x.c '/* x */ \n'
expect "has no newline at its end" src/base/x.c '/* x */'
expect "has a carriage return" src/base/x.c '/* x */\r\n'
expect "does not start with a comment" src/base/x.c 'int x;\n'
expect "names a path of one machine" src/base/x.c '/* x */\n// see /ho''me/me/notes\n'
expect "names fvi_not_there" docs/A.md 'See `fvi_not_there`.\n'
expect "which is not in src/kern/k.h" docs/A.md 'See `src/kern/k.h:fvi_kern_x`.\n'
{ echo "/* x */"; seq 1001 | sed 's|^|// |'; } >"$tmp/src/base/long.c"
case $(python3 "$root/scripts/check_layers.py" "$tmp") in *"1000 is the limit"*) ;; *) echo "1001 lines pass"; failed=1 ;; esac
rm "$tmp/src/base/long.c"
printf '/* printf( in a comment */\nconst char *s = "malloc(3)"; void f(void) { g_free(s); v->free(s); snprintf(b, 1, "x"); }\n' >"$tmp/src/kern/x.c"
out=$(python3 "$root/scripts/check_layers.py" "$tmp") || { echo "says something that is not so: $out"; failed=1; }
[ $failed = 0 ] && echo "all rules can fail"
exit $failed
