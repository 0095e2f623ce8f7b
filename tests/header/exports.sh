#!/bin/sh
# What the libraries export is what the headers declare and the committed lists name. Usage: exports.sh ROOT LIBFOVEA.so LIBFOVEA.a [LIBFOVEA-MEDIA.so]
set -u
export LC_ALL=C
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
    cp "$tmp/media" "$tmp/libfovea-media.symbols"
fi
cp "$tmp/exported" "$tmp/libfovea.symbols"

# The committed lists: what programs are built against. A name that goes breaks them; one that comes is a promise.
# FOVEA_UPDATE=1 writes them anew.
for lib in libfovea libfovea-media; do
    list=$root/tests/header/$lib.symbols
    [ -f "$tmp/$lib.symbols" ] || continue
    [ -z "${FOVEA_UPDATE:-}" ] || cp "$tmp/$lib.symbols" "$list"
    gone=$(comm -23 "$list" "$tmp/$lib.symbols")
    [ -z "$gone" ] || { echo "no longer exported by $lib, but in tests/header/$lib.symbols (programs built against it would not start):"; echo "$gone"; failed=1; }
    new=$(comm -13 "$list" "$tmp/$lib.symbols")
    [ -z "$new" ] || { echo "new in $lib; when meant for users, add to tests/header/$lib.symbols (FOVEA_UPDATE=1 ctest -R header_exports does it):"; echo "$new"; failed=1; }
done
# names that a static library puts into its users' programs
for archive in "$static" "${static%.a}-media.a"; do
    [ -f "$archive" ] || continue
    bad=$(nm -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 {print $3}' | grep -v '^__' | grep -v '^fvi\?_' | sort -u)
    [ -z "$bad" ] || { echo "in $archive, but not called fv_* or fvi_*:"; echo "$bad"; failed=1; }
done
# the engine needs nothing but the C library
needed=$(readelf -d "$shared" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^libc\.so\|^libdl\.so\|^libm\.so\|^libpthread\.so\|^ld-linux\|^lib[at]san\.so\|^libubsan\.so\|^libgcc_s\.so')
[ -z "$needed" ] || { echo "libfovea.so needs:"; echo "$needed"; failed=1; }
[ $failed = 0 ] && echo "$(wc -l <"$tmp/exported") functions exported, all declared"
exit $failed
