#!/bin/bash
# Trains person, mark and fill at once on one GPU, within a time.   ./all.sh [-t MINUTES] PHOTOS.npz OVERLAYS.npz TEACHER.onnx OUT
# person gets the whole time; mark, fill and the run on permissively licensed photographs alone share it beside.
# Every run ends with its learning rate at zero, is judged, exported and drawn; run it again to go on after a stop.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
minutes=8
[ "${1:-}" != -t ] || { minutes=$2; shift 2; }
[ $# = 4 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
photos=$(realpath "$1") overlays=$(realpath "$2") teacher=$(realpath "$3")
mkdir -p "$4"
out=$(realpath "$4")
python=$here/venv/bin/python
[ -x "$python" ] || python=python3
seconds=$(awk "BEGIN { print int($minutes * 60) }")
part() { awk "BEGIN { print int($seconds * $1) }"; }
run() { # NAME CONFIG flags...
    name=$1 config=$2; shift 2
    mkdir -p "$out/$name"
    "$python" -u "$here/train.py" "$here/$config.toml" --pack "$photos" --out "$out/$name" "$@" >>"$out/$name/out.txt" 2>&1 ||
        { echo "all: $name failed"; tail -n 20 "$out/$name/out.txt"; return 1; }
    echo "$name: $(grep "^$config: step" "$out/$name/out.txt" | tail -n 1)"
}
run person person --teacher "$teacher" --seconds "$seconds" & person=$!
beside() {
    run mark mark --overlays "$overlays" --seconds "$(part 0.36)"
    run fill fill --overlays "$overlays" --seconds "$(part 0.26)"
    run permissive person --teacher "$teacher" --permissive --seconds "$(part 0.26)"
}
beside & others=$!
code=0
wait $person || code=1
wait $others || code=1
exit $code
