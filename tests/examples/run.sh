#!/bin/sh
# Runs one example program on tiny models and pictures made here, and on real ones where they are. Usage: run.sh NAME PROGRAM FOVEA ROOT
set -u
name=$1 program=$2 fovea=$3 root=$4
data=${FOVEA_TEST_DATA:-}
fixed=$root/tests/unit/flow/tiny_fixed.onnx moving=$root/tests/unit/flow/tiny_moving.onnx # what they do: make_tiny.py
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0
# expect TEXT COMMAND...: its output (both streams) has a line that fits TEXT, an extended regular expression from end to end
expect() {
    text=$1
    shift
    "$@" </dev/null >said 2>&1
    code=$?
    grep -qxE -e "$text" said && [ $code = "${want:-0}" ] && return
    echo "$* => $code; expected ${want:-0} and: $text"
    sed 's/^/    /' said
    failed=1
}
media() { "$fovea" --version | grep -q 'media yes' || { echo "built without media"; exit 77; }; }
picture() { { printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' "$2"; } >"$1"; }
# 16 frames that get brighter
video() {
    echo 'YUV4MPEG2 W64 H32 F10:1 Ip A1:1 C420jpeg'
    for shade in 000 020 040 060 100 120 140 160 200 220 240 260 300 320 340 360; do
        echo FRAME
        head -c 2048 /dev/zero | tr '\0' "\\$shade"
        head -c 1024 /dev/zero | tr '\0' '\200'
    done
}
real() { [ -n "$data" ] && [ -f "$data/models/$1" ]; }
photo() { echo "$data/images/photos/street.jpg"; }

case $name in
detect_picture)
    media
    picture white.ppm '\377'
    expect 'dog 0\.7[0-9] at 16,8 to 32,40|dog 0\.7[0-9] at .*' "$program" "$fixed" white.ppm
    want=1 expect 'detect_picture: .*no\.jpg.*' "$program" "$fixed" no.jpg
    want=1 expect 'detect_picture: .*no\.onnx.*' "$program" no.onnx white.ppm
    want=2 expect 'usage: .*' "$program"
    if real yolov8n_640_fp32.onnx; then want=0 expect '[a-z ]+ 0\.[0-9]{2} at [0-9]+,[0-9]+ to [0-9]+,[0-9]+' "$program" "$data/models/yolov8n_640_fp32.onnx" "$(photo)"; fi
    ;;
exec_tensor)
    expect 'output0 float32 \[1,6,21\] 0 0 0 0 \.\.\.' "$program" "$fixed"
    head -c 12288 /dev/zero | "$program" "$moving" >said 2>&1 || failed=1
    grep -q 'output0 float32' said || failed=1
    want=1 expect 'exec_tensor: .*' "$program" "$root/README.md"
    ;;
score)
    expect 'mAP50 0\.752, mAP50-95 0\.[0-9]{3}, recall 0\.[0-9]{3}' "$program"
    expect 'dogs: 2 true, 3 found, AP50 0\.505; best at confidence 0\.90: precision 1\.00, recall 0\.50' "$program"
    ;;
look_inside)
    expect 'Add +output0 +-?[0-9.e-]+ to [0-9.]+' "$program" "$fixed"
    expect 'Mul +scores +0 to 0\.5[0-9.]*|Mul +scores +0 to 0\.4[0-9.]*' "$program" "$fixed"
    want=1 expect 'look_inside: .*' "$program" "$root/README.md"
    want=2 expect 'usage: .*' "$program"
    ;;
count_video)
    media
    video >v.y4m
    expect '  *[0-9.]+ s  dog 1 goes in at 32,.*' "$program" "$moving" v.y4m 0.5 1 0.5 0
    expect '1 in, 0 out' "$program" "$moving" v.y4m 0.5 1 0.5 0 dog
    expect '0 in, 1 out' "$program" "$moving" v.y4m 0.5 0 0.5 1
    expect '0 in, 0 out' "$program" "$moving" v.y4m 0.5 1 0.5 0 person
    want=1 expect "count_video: .*'cow'.*" "$program" "$moving" v.y4m 0 0 1 1 cow
    want=1 expect 'count_video: .*line.*' "$program" "$moving" v.y4m 0 0 0 0
    ;;
pull_stream)
    media
    video >v.y4m
    expect 'frame 15 \(64x32, 1\.50 s\): dog 1' "$program" "$moving" v.y4m
    expect '16 frames: 16 processed, 0 dropped; .*' "$program" "$moving" v.y4m
    video | "$program" "$moving" - >said 2>&1 || failed=1
    grep -q '^frame 15 ' said || { cat said; failed=1; }
    # a pipe that goes on for ever: a signal ends it in order
    mkfifo pipe
    { video; sleep 100; } >pipe &
    writer=$!
    "$program" "$moving" pipe >said 2>&1 &
    reader=$!
    for i in $(seq 100); do grep -q 'frame 1[0-5]' said && break; sleep 0.1; done
    kill -INT $reader 2>/dev/null # ignored by a background job of some shells
    kill -TERM $reader
    wait $reader || { echo "pull_stream stopped with $?"; cat said; failed=1; }
    kill $writer 2>/dev/null
    grep -qE '^[0-9]+ frames: [0-9]+ processed' said || { cat said; failed=1; }
    want=1 expect 'pull_stream: .*' "$program" "$moving" nothing.mp4
    ;;
push_frames)
    expect '[0-9]+ of 30 frames looked at, 1 things, .*' "$program" "$moving" 30
    ;;
cameras)
    media
    video >a.y4m
    video | head -n 1 >broken.y4m
    expect 'a\.y4m: 16 frames, 1 things' "$program" "$moving" a.y4m a.y4m
    # one that cannot be read holds up no other
    want=1 expect 'a\.y4m: 16 frames, 1 things' "$program" "$root/tests/unit/flow/tiny_batch.onnx" a.y4m no.y4m
    ;;
two_models)
    media
    picture white.ppm '\377'
    expect '.*tiny_fixed\.onnx: 1 found, .* ms, dog' "$program" "$fixed" "$moving" white.ppm
    expect '.*tiny_moving\.onnx: 1 found, .* ms, dog' "$program" "$fixed" "$moving" white.ppm
    want=1 expect 'two_models: no\.onnx: .*' "$program" "$fixed" no.onnx white.ppm
    ;;
masks)
    media
    picture white.ppm '\377'
    want=1 expect 'masks: this is a model for detect, not for masks' "$program" "$fixed" white.ppm out.pgm
    if real yolov8n-seg_640_fp32.onnx; then
        want=0 expect '[a-z ]+ 0\.[0-9]{2}, with a mask' "$program" "$data/models/yolov8n-seg_640_fp32.onnx" "$(photo)" out.pgm
        [ "$(head -c 2 out.pgm)" = P5 ] || failed=1
        [ "$(tail -c +20 out.pgm | tr -d '\0' | wc -c)" -gt 1000 ] || { echo "the picture of the masks is black"; failed=1; }
    fi
    ;;
depth_map)
    media
    picture white.ppm '\377'
    want=1 expect 'depth_map: this is no depth model' "$program" "$fixed" white.ppm out.pgm
    if real depth_mbv2_pruned_nyu_224.onnx; then
        want=0 expect '[0-9]+x[0-9]+, [-0-9.e]+ to [-0-9.e]+' "$program" "$data/models/depth_mbv2_pruned_nyu_224.onnx" "$(photo)" out.pgm
        [ "$(head -c 2 out.pgm)" = P5 ] || failed=1
    fi
    ;;
embed)
    media
    picture white.ppm '\377'
    want=1 expect 'embed: this model makes no vector of a picture' "$program" "$fixed" white.ppm white.ppm
    if real osnet_x0_25_msmt17_b1.onnx; then
        want=0 expect '512 numbers each, alike 1\.0000' "$program" "$data/models/osnet_x0_25_msmt17_b1.onnx" "$(photo)" "$(photo)"
    fi
    ;;
annotate)
    media
    video >v.y4m
    expect '16 frames at .*, 1 things; the slowest part is [a-z]+' "$program" "$moving" v.y4m out.mp4
    "$fovea" predict out.mp4 --device null --quiet --json frames.jsonl || failed=1
    [ "$(wc -l <frames.jsonl)" = 16 ] || { echo "the annotated video has other frames"; failed=1; }
    ! "$program" "$moving" v.y4m /nowhere/out.mp4 >/dev/null 2>&1 || failed=1
    ;;
report)
    media
    video >v.y4m
    expect '16 frames, .* a second; .*' "$program" "$moving" v.y4m run.json page.html
    "$fovea" report run.json -o again.html --quiet || failed=1
    grep -q '<html' page.html || failed=1
    ;;
own_source)
    expect '50 frames, 40 found' "$program" "$fixed"
    ;;
own_sink)
    media
    video >v.y4m
    expect '16 frames, mean [0-9.]+, checksum [0-9a-f]{8}' "$program" "$moving" v.y4m
    ;;
*)
    echo "no test knows the example $name: add it to tests/examples/run.sh"
    failed=1
    ;;
esac
# what its first lines say about building it is what the install test does
grep -q "cc $name.c -o $name \$(pkg-config --cflags --libs libfovea)" "$root/examples/$name.c" || { echo "$name.c does not say how to build it"; failed=1; }
grep -q "($name.c)" "$root/examples/README.md" || { echo "examples/README.md does not list $name.c"; failed=1; }
exit $failed
