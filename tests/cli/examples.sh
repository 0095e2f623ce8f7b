#!/bin/sh
# Runs the examples of every `fovea VERB --help`, on small stand-ins for the files that they name. Usage: examples.sh FOVEA ROOT
set -u
fovea=$1 root=$2
tests=$(cd "$root" && pwd)/tests
moving=$tests/unit/flow/tiny_moving.onnx # finds a dog, knows persons
"$fovea" --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
PATH=$(cd "$(dirname "$fovea")" && pwd):$PATH
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
{
    echo 'YUV4MPEG2 W64 H32 F10:1 Ip A1:1 C420jpeg'
    for i in 1 2 3; do
        echo FRAME
        head -c 3072 /dev/zero | tr "\\0" "\\1${i}0"
    done
} >clip.y4m
fovea track clip.y4m --device null --quiet -o clip.mp4 --run run.json --json frames.jsonl --mot tracks.txt || exit 1
fovea predict clip.mp4 --device null --quiet -o clip.mkv || exit 1
{ printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' '\200'; } >p.ppm
fovea predict p.ppm --device null --quiet -o p.jpg || exit 1
printf 'model: yolov8n.onnx\nlines: [{name: door, points: [[0.1, 0.5], [0.9, 0.5]]}]\n' >c.yaml

# a file that an example reads, by its name
stand_in() {
    case $1 in *.yaml) stand_in yolov8n.onnx ;; esac
    case $1 in
    instances*.json) # nothing is on photos/a.jpg
        echo '{"images":[{"id":1,"file_name":"a.jpg","width":64,"height":32}],"annotations":[],"categories":[{"id":1,"name":"person"}]}' >"$1" ;;
    data.yaml) printf 'val: photos\nnames: [person]\n' >"$1" && echo '0 0.5 0.5 0.1 0.1' >photos/a.txt ;;
    *.onnx) ln -sf "$model" "$1" ;;
    *.fv) fovea build "$model" --quiet --builderOptimizationLevel 0 -o "$1" ;;
    *.jpg | *.png) cp "$tmp/p.jpg" "$1" ;;
    *.mp4 | *.mkv | *.avi) cp "$tmp/clip.mp4" "$1" ;;
    *.yaml) cp "$tmp/c.yaml" "$1" ;;
    *.txt) echo '1,-1,10,10,20,20,0.9' >"$1" ;;
    *.jsonl) cp "$tmp/frames.jsonl" "$1" ;;
    *.json) cp "$tmp/run.json" "$1" ;;
    esac
}
built_in=yes
fovea doctor | grep -q '^models  *person' || built_in=no
shell=sh failed=0 count=0
if command -v bash >/dev/null; then shell=bash; fi # one example is for bash
for verb in $(fovea help | awk '/^  [a-z]/ { print $1 }'); do
    model=$moving
    [ "$verb" = quantize ] && model=$tests/data/quantize/tiny.onnx # has layers with weights
    fovea "$verb" --help | sed -n '/^example$/,$s/^  //p' >"$tmp/list"
    while IFS= read -r line; do
        case $built_in$line in 'nofovea '*' person'*) continue ;; esac
        rm -rf "$tmp/here"
        mkdir "$tmp/here" && cd "$tmp/here" || exit 1
        mkdir photos labels && cp "$tmp/p.jpg" photos/a.jpg && cp "$tmp/p.jpg" photos/b.jpg
        before=
        line=$(echo "$line" | sed 's,rtsp://[^ ]*,clip.mp4,g') # there is no camera; tests/media has some
        for word in $(echo "$line" | tr -d "'"); do
            case $before in -o | --output | --json | --csv | --mot | --events | --summary | --run | --report | '>') word=- ;; esac
            case $word in -*) ;; *'*'*) ;; *) stand_in "${word##*=}" ;; esac
            before=$word
        done
        # an input that fits the model
        { printf '\223NUMPY\1\0v\0' && printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 32, 32), }" && head -c 12288 /dev/zero; } >picture.npy
        # nobody waits five seconds
        line=$(echo "$line" | sed '/ bench /s/--duration [0-9]*/--duration 0.1 --iterations 1/; s/| less/>\/dev\/null/')
        count=$((count + 1))
        $shell -c "$line" >"$tmp/said" 2>&1
        code=$?
        [ $code = 0 ] || { failed=1; echo "$line => $code"; tail -n 5 "$tmp/said"; }
    done <"$tmp/list"
done
[ $failed = 0 ] && echo "$count examples run"
exit $failed
