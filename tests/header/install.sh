#!/bin/sh
# Installs into a folder that is thrown away, builds program.c through pkg-config against it, with the shared and the
# static library, and runs it. Usage: install.sh CMAKE BUILD_DIR CC PROGRAM.c [SANITIZERS]
set -eu
cmake=$1 build=$2 cc=$3 source=$4 sanitize=${5:-}
command -v pkg-config >/dev/null || { echo "pkg-config is missing"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$cmake" --install "$build" --prefix "$tmp/usr" >"$tmp/log" || { cat "$tmp/log"; exit 1; }
PKG_CONFIG_PATH=$(dirname "$(find "$tmp/usr" -name libfovea.pc)")
export PKG_CONFIG_PATH
flags=${sanitize:+-fsanitize=$sanitize}
# shellcheck disable=SC2086,SC2046
"$cc" $flags -Wall -Werror "$source" -o "$tmp/shared" $(pkg-config --cflags --libs libfovea)
lib=$(pkg-config --variable=libdir libfovea)
LD_LIBRARY_PATH=$lib "$tmp/shared"
# shellcheck disable=SC2086,SC2046
"$cc" $flags -Wall -Werror "$source" -o "$tmp/static" $(pkg-config --cflags libfovea) "$lib/libfovea.a" -lm -pthread
"$tmp/static"
# the program of README.md, in a function that has a frame
sed -n '/^```c$/,/^```$/p' "$(dirname "$source")/../../README.md" |
    sed -e '/^```/d' -e 's/^#include .*/&\nint show(fv_frame frame);\nint show(fv_frame frame) {/' >"$tmp/readme.c"
echo 'return found.count; }' >>"$tmp/readme.c"
# shellcheck disable=SC2086,SC2046
"$cc" -Wall -Werror -c "$tmp/readme.c" -o "$tmp/readme.o" $(pkg-config --cflags libfovea)
"$tmp/usr/bin/fovea" --version
[ -f "$tmp/usr/share/doc/fovea/LICENSE" ]
if find "$tmp/usr" -name 'libfovea-media.so.0' | grep -q .; then
    [ -f "$PKG_CONFIG_PATH/libfovea-media.pc" ] || { echo "the media library has no .pc file"; exit 1; }
    "$tmp/usr/bin/fovea" doctor | grep -q 'cannot be loaded' && { echo "the installed program does not find its media library"; exit 1; }
fi
echo "installed, built, run"
