#!/bin/sh
# Builds fovea and counts people in a video.   ./demo.sh [VIDEO] [--no-install] [--model M.onnx] [more flags of `fovea count`]
# Without VIDEO: the pedestrian clip of Debian's opencv-doc package (people crossing a square), fetched once and cached.
# Leaves demo-out/annotated.mp4, summary.json, events.jsonl, report.html.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
say() { printf '%s\n' "$*"; }
die() { code=$1; shift; printf 'demo: %s\n' "$*" >&2; exit "$code"; }

video= install=yes model= marks=yes
[ $# -gt 0 ] && case $1 in -*) ;; *) video=$1; shift ;; esac
n=$#
while [ "$n" -gt 0 ]; do # keep what is meant for `fovea count`
    arg=$1; shift; n=$((n - 1))
    case $arg in
    --no-install) install=no ;;
    --model) [ "$n" -gt 0 ] || die 2 "--model needs a file or a name"; model=$1; shift; n=$((n - 1)) ;;
    --model=*) model=${arg#--model=} ;;
    --line|--line=*|--zone|--zone=*|--config|--config=*) marks=no; set -- "$@" "$arg" ;;
    *) set -- "$@" "$arg" ;;
    esac
done
[ -z "$video" ] || [ -r "$video" ] || die 3 "cannot read $video"

# 1. what it needs
packages="gcc cmake ninja-build pkg-config libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libturbojpeg0-dev libfreetype-dev libyaml-dev libcjson-dev libxxhash-dev"
missing=
for p in $packages; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"; done
if [ -n "$missing" ] && [ "$install" = yes ]; then
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    say "+${sudo:+ $sudo} apt-get install -y --no-install-recommends$missing"
    $sudo apt-get update -qq || say "demo: apt-get update failed; trying with the lists that are there"
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || die 1 "the packages above could not be installed"
elif [ -n "$missing" ]; then
    say "demo: not installed (--no-install):$missing"
fi

# 2. the program
say "+ cmake, ninja: build/release"
cmake -S "$here" -B "$here/build/release" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFV_TESTS=OFF >"$here/build.log" 2>&1 &&
    cmake --build "$here/build/release" >>"$here/build.log" 2>&1 || { tail -n 20 "$here/build.log" >&2; die 1 "the build failed, see build.log"; }
rm -f "$here/build.log"
fovea=$here/build/release/fovea

# 3. the clip
if [ -z "$video" ]; then
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/fovea
    video=$cache/vtest.avi
    if [ ! -s "$video" ]; then
        say "+ apt-get download opencv-doc (95 MB, only vtest.avi is kept)"
        mkdir -p "$cache"
        tmp=$(mktemp -d)
        trap 'rm -rf "$tmp"' EXIT INT TERM
        (cd "$tmp" && apt-get download opencv-doc >/dev/null 2>&1 && dpkg-deb --fsys-tarfile opencv-doc*.deb | tar -x --wildcards '*/vtest.avi') ||
            die 3 "the sample clip could not be fetched; give a video of yours: ./demo.sh MY.mp4"
        find "$tmp" -name vtest.avi -exec mv {} "$video" \;
    fi
    # a line across the square and the square itself, in pixels of that clip
    [ "$marks" = no ] || set -- --line square=250,180,250,350 --zone plaza=470,200,760,200,760,480,600,440,470,330 "$@"
else
    [ "$marks" = no ] || set -- --line middle=0.5,0,0.5,1 "$@"
fi

# 4. count; the model is the built-in `person` unless another is named
out=${FOVEA_DEMO_OUT:-demo-out}
mkdir -p "$out"
say "+ fovea count $video"
code=0
"$fovea" count "$video" ${model:+--model "$model"} --classes person -o "$out/annotated.mp4" --summary "$out/summary.json" \
    --events "$out/events.jsonl" --run "$out/run.json" --report "$out/report.html" --overwrite "$@" || code=$?
[ "$code" = 0 ] || [ "$code" = 9 ] || exit "$code"
say "left in $out/: annotated.mp4 summary.json events.jsonl report.html"
exit "$code"
