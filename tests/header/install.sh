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
"$cc" $flags -Wall -Werror "$source" -o "$tmp/shared" $(pkg-config --define-prefix --cflags --libs libfovea)
lib=$(pkg-config --define-prefix --variable=libdir libfovea)
LD_LIBRARY_PATH=$lib "$tmp/shared"
# shellcheck disable=SC2086,SC2046
"$cc" $flags -Wall -Werror "$source" -o "$tmp/static" $(pkg-config --define-prefix --cflags libfovea) "$lib/libfovea.a" -lm -pthread
"$tmp/static"
"$tmp/usr/bin/fovea" --version
[ -f "$tmp/usr/share/doc/fovea/LICENSE" ]
if find "$tmp/usr" -name 'libfovea-media.so.0' | grep -q .; then
    [ -f "$PKG_CONFIG_PATH/libfovea-media.pc" ] || { echo "the media library has no .pc file"; exit 1; }
    "$tmp/usr/bin/fovea" doctor | grep -q 'cannot be loaded' && { echo "the installed program does not find its media library"; exit 1; }
fi
echo "installed, built, run"
