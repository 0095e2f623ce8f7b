#!/bin/sh
# Installs into a folder, moves that folder elsewhere, and builds the example programs there with nothing but pkg-config: shared,
# --static and fully static; runs them with the media library and without. Usage: install.sh CMAKE BUILD_DIR CC ROOT [SANITIZERS]
set -eu
cmake=$1 build=$2 cc=$3 root=$4 sanitize=${5:-}
command -v pkg-config >/dev/null || { echo "pkg-config is missing"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
die() { echo "$*"; exit 1; }
has() { for f in "$@"; do [ -f "$usr/$f" ] || die "not installed: $f"; done; }

DESTDIR=$tmp/stage "$cmake" --install "$build" --prefix /opt/first >"$tmp/log" || { cat "$tmp/log"; exit 1; }
mv "$tmp/stage/opt/first" "$tmp/moved here" # nothing may remember where it was, and a blank must not hurt
usr="$tmp/moved here"
left=$(find "$tmp/stage" -type f)
[ -z "$left" ] || die "installed outside of the prefix: $left"
pc=$(find "$usr" -name libfovea.pc)
lib=${pc%/pkgconfig/libfovea.pc}
! grep -rl "$tmp\|/opt/first\|$root" "$usr/include" "$lib/pkgconfig" "$usr/share" || die "these know where they were built or installed"
has include/fovea/fovea.h bin/fovea share/doc/fovea/LICENSE share/doc/fovea/THIRD_PARTY.md share/man/man3/libfovea.3 share/doc/fovea/examples/README.md
if [ -f "$build/man/fovea.1" ]; then
    has share/man/man1/fovea.1 share/bash-completion/completions/fovea share/zsh/site-functions/_fovea share/fish/vendor_completions.d/fovea.fish
    for verb in $("$usr/bin/fovea" help | awk '/^  [a-z]/ { print $1 }'); do has "share/man/man1/fovea-$verb.1"; done
fi
[ "$(cd "$root/include" && find . -name '*.h' | sort)" = "$(cd "$usr/include" && find . -name '*.h' | sort)" ] || die "other headers are installed than there are"
[ -L "$lib/libfovea.so" ] && [ -e "$lib/libfovea.so.0" ] && [ -f "$lib/libfovea.a" ] || die "libfovea.so, libfovea.so.0 or libfovea.a is missing"
readelf -d "$lib/libfovea.so" | grep -q 'SONAME.*libfovea\.so\.0\]' || die "the soname is not libfovea.so.0"
"$usr/bin/fovea" --version

# as a user would: cc program.c $(pkg-config --cflags --libs libfovea)
mkdir "$tmp/work"
cd "$tmp/work"
ln -s "$usr" "$tmp/prefix" # pkg-config writes blanks as "\ ", which a shell does not read back from $(...)
PKG_CONFIG_PATH=$tmp/prefix/${lib#"$usr/"}/pkgconfig
export PKG_CONFIG_PATH
flags="${sanitize:+-fsanitize=$sanitize} -std=c17 -D_DEFAULT_SOURCE -Wall -Wextra -Wno-missing-field-initializers -Werror"
cp "$usr"/share/doc/fovea/examples/*.c .
# the programs of README.md and docs/API.md
sed -n '/^```c$/,/^```$/p' "$root/README.md" |
    sed -e '/^```/d' -e 's/^#include .*/&\nint show(fv_frame frame);\nint show(fv_frame frame) {/' >readme.c
echo 'return found.count; }' >>readme.c
{
    printf '#include <fovea/fovea.h>\n#include <stdio.h>\nint main(void) {\n'
    sed -n '/^```c$/,/^```$/p' "$root/docs/API.md" | sed -e '/^```/d' -e '/^#include/d'
    printf 'return st < 0; }\n'
} >api.c
# shellcheck disable=SC2086,SC2046
for file in *.c; do
    case $file in
    readme.c) "$cc" $flags -Wno-maybe-uninitialized -c "$file" $(pkg-config --cflags libfovea) ;;
    *) "$cc" $flags "$file" -o "${file%.c}" $(pkg-config --cflags --libs libfovea) -pthread -lm ;;
    esac
done
LD_LIBRARY_PATH=$lib
export LD_LIBRARY_PATH
tiny=$root/tests/unit/flow/tiny_fixed.onnx
./exec_tensor "$tiny" </dev/null | grep -q 'output0 float32 \[1,6,21\]' || die "exec_tensor does not run"
./own_source "$tiny" | grep -q '^50 frames, 40 found$' || die "own_source does not run"

# without the shared library at run time: first only ours, then every library in the program
unset LD_LIBRARY_PATH
# shellcheck disable=SC2086,SC2046
"$cc" $flags own_source.c -o own_static $(pkg-config --cflags libfovea) -Wl,-Bstatic $(pkg-config --libs --static libfovea | sed 's/ -l\(m\|dl\)\b//g; s/-pthread//') -Wl,-Bdynamic -lm -pthread
./own_static "$tiny" | grep -q '^50 frames, 40 found$' || die "own_source does not run when linked statically"
if [ -z "$sanitize" ] && echo 'int main(void){return 0;}' | "$cc" -static -x c - -o nothing 2>/dev/null; then
    # shellcheck disable=SC2086,SC2046
    "$cc" $flags -static exec_tensor.c -o exec_static $(pkg-config --static --cflags --libs libfovea)
    ./exec_static "$tiny" </dev/null | grep -q 'output0 float32' || die "exec_tensor does not run when everything is static"
    ! readelf -d exec_static 2>/dev/null | grep -q NEEDED || die "a static program needs libraries"
fi

# pictures, with the media library beside libfovea and without it
{ printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' '\377'; } >white.ppm
if [ -e "$lib/libfovea-media.so.0" ]; then
    [ -f "$lib/pkgconfig/libfovea-media.pc" ] && [ -f "$lib/libfovea-media.a" ] || die "the media library lacks its .pc file or its static form"
    "$usr/bin/fovea" predict white.ppm --model "$tiny" --quiet --json - | grep -q '"label":"dog"' || die "the installed program does not find its media library"
    ./own_static "$tiny" >/dev/null
    LD_LIBRARY_PATH=$lib ./detect_picture "$tiny" white.ppm | grep -q '^dog' || die "detect_picture does not find the media library"
    # linked with it: it is there from the start, wherever it lies
    # shellcheck disable=SC2086,SC2046
    "$cc" $flags detect_picture.c -o linked -Wl,--no-as-needed $(pkg-config --cflags --libs libfovea-media)
    readelf -d linked | grep -q 'NEEDED.*libfovea-media\.so\.0' || die "libfovea-media.pc does not link the library"
    mkdir other && mv "$lib"/libfovea-media.so* other
    LD_LIBRARY_PATH=$lib:$tmp/work/other ./linked "$tiny" white.ppm | grep -q '^dog' || die "a program linked with the media library does not use it"
    # in the program itself
    # shellcheck disable=SC2086,SC2046
    "$cc" $flags detect_picture.c -o inside $(pkg-config --cflags libfovea) -Wl,-u,fv_media_get "$lib/libfovea-media.a" "$lib/libfovea.a" \
        $(pkg-config --libs libavdevice libavformat libavcodec libavutil libswscale libturbojpeg freetype2) -lm -pthread
    ./inside "$tiny" white.ppm | grep -q '^dog' || die "a program with the media library in it does not use it"
fi
# gone: one sentence, and what needs no pictures goes on
if LD_LIBRARY_PATH=$lib ./detect_picture "$tiny" white.ppm 2>said; then die "detect_picture works without a media library?"; fi
grep -q 'pictures and video need libfovea-media' said || { cat said; die "no sentence about the missing media library"; }
"$usr/bin/fovea" exec "$tiny" --seed 1 -o out --quiet && [ -f out/output0.npy ] || die "exec needs the media library"
if "$usr/bin/fovea" predict white.ppm --model "$tiny" 2>said; then die "predict works without a media library?"; fi
grep -q 'pictures and video need libfovea-media' said || { cat said; die "no sentence of predict about the missing media library"; }
echo "installed, moved, $(find . -name '*.c' | wc -l) programs built and run"
