#!/bin/sh
# Weights of a training run -> the built-in models: ONNX, figures, curves, contact sheets and cards in models/.
#   scripts/ship_models.sh RUNS DATA PACK.npz OVERLAYS.npz [--only person,mark,fill] [--clip vtest.avi --reference yolo26n.onnx] [--build DIR] [--limit N]
# RUNS/NAME/{best.pt,log.jsonl}: what train/train.py left. DATA: the folder that was packed (heldout.txt, val.txt, licences.tsv). --clip and
# --reference add the pedestrian clip to person's card. Every figure is measured on the exported file, run by the fovea of --build
# (build/release), which is built first; --limit N judges mark and fill on N pictures only, to try this script. PYTHON names the interpreter of train/setup.sh.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 4 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
runs=$(absolute "$1") data=$(absolute "$2") pack=$(absolute "$3") overlays=$(absolute "$4")
shift 4
only=person,mark,fill build=$here/build/release clip= reference= limit=0
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { echo "ship_models: $1 needs a value" >&2; exit 2; }
    case $1 in
    --only) only=$2 ;;
    --clip) clip=$(absolute "$2") ;;
    --reference) reference=$(absolute "$2") ;;
    --limit) limit=$2 ;;
    --build) build=$(absolute "$2") ;;
    *) echo "ship_models: unknown flag $1" >&2; exit 2 ;;
    esac
    shift 2
done
python=${PYTHON:-$here/train/venv/bin/python}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
[ -f "$build/build.ninja" ] || cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" --target fovea fovea_shared >/dev/null
cd "$here/train"
for name in $(echo "$only" | tr ',' ' '); do
    weights=$runs/$name/best.pt card=$here/models/$name.md model=$here/models/$name.onnx
    echo "+ $name: $weights"
    "$python" export.py "$name.toml" "$weights" -o "$tmp/$name.onnx"
    case $name in
    person) set -- --data "$data" ${clip:+--clip "$clip" --reference "$reference"} ;;
    *) set -- --pack "$pack" --overlays "$overlays" --limit "$limit" ;;
    esac
    "$python" judge.py "$name" --model "$tmp/$name.onnx" --build "$build" "$@" -o "$tmp/$name.json"
    "$python" plot.py "$runs/$name/log.jsonl" "$here/models/$name-curves.png"
    case $name in person) set -- ;; *) set -- --pack "$pack" --overlays "$overlays" ;; esac
    "$python" sheet.py "$name" --model "$tmp/$name.onnx" --build "$build" --data "$data" "$@" -o "$here/models/$name-sheet.jpg" --credits "$tmp/$name.txt"
    "$python" card.py "$name" "$tmp/$name.json" "$card" --credits "$tmp/$name.txt"
    "$python" card.py --plain "$card" >"$tmp/card.txt"
    "$python" export.py "$name.toml" "$weights" -o "$model" --card "$tmp/card.txt"
    [ "$(wc -c <"$model")" -le 3000000 ] || { echo "ship_models: $model is larger than 3 MB" >&2; exit 1; }
done
cmake --build "$build" --target fovea >/dev/null
"$build/fovea" doctor | sed -n '/^models/,/^caches/p' | sed '$d'
