#!/bin/sh
# What the libraries export is what the headers declare. Usage: exports.sh ROOT LIBFOVEA.so LIBFOVEA.a [LIBFOVEA-MEDIA.so]
set -u
root=$1 shared=$2 static=$3 media=${4:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
# names after FV_API in the headers: the identifier in front of the first parenthesis
cat "$root"/include/fovea/*.h | tr '\n' ' ' | grep -o 'FV_API [^;]*;' | sed 's/(.*//; s/.*[ *]//' | grep '^fv_' | sort -u >"$tmp/declared"
# sanitizers add names of their own with two underscores; the linker adds _init and _fini
nm -D --defined-only "$shared" | awk '{print $3}' | sed 's/@.*//' | grep -v '^__' | grep -vx '_init\|_fini' | sort -u >"$tmp/exported"
[ -s "$tmp/declared" ] || { echo "no FV_API function found in the headers"; failed=1; }

strangers=$(grep -v '^fv_' "$tmp/exported")
[ -z "$strangers" ] || { echo "exported, but not called fv_*:"; echo "$strangers"; failed=1; }
missing=$(grep -vx fv_media_get "$tmp/declared" | comm -23 - "$tmp/exported")
[ -z "$missing" ] || { echo "declared, but not exported:"; echo "$missing"; failed=1; }
extra=$(comm -13 "$tmp/declared" "$tmp/exported")
[ -z "$extra" ] || { echo "exported, but in no header:"; echo "$extra"; failed=1; }

if [ -n "$media" ]; then
    nm -D --defined-only "$media" | awk '{print $3}' | sed 's/@.*//' | grep -v '^__' | grep -vx '_init\|_fini' | sort -u >"$tmp/media"
    [ "$(cat "$tmp/media")" = fv_media_get ] || { echo "libfovea-media should export fv_media_get only:"; cat "$tmp/media"; failed=1; }
fi
# names that a static library puts into its users' programs
bad=$(nm -g --defined-only "$static" 2>/dev/null | awk 'NF == 3 {print $3}' | grep -v '^__' | grep -v '^fvi\?_' | sort -u)
[ -z "$bad" ] || { echo "in libfovea.a, but not called fv_* or fvi_*:"; echo "$bad"; failed=1; }
# the engine needs nothing but the C library
needed=$(readelf -d "$shared" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^libc\.so\|^libm\.so\|^libpthread\.so\|^ld-linux\|^lib[at]san\.so\|^libubsan\.so\|^libgcc_s\.so')
[ -z "$needed" ] || { echo "libfovea.so needs:"; echo "$needed"; failed=1; }
[ $failed = 0 ] && echo "$(wc -l <"$tmp/exported") functions exported, all declared"
exit $failed
