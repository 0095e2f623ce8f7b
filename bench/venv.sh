#!/bin/sh
# Makes bench/.venv with what the benchmarks compare against. Usage: bench/venv.sh [--video]; prints the interpreter's path.
# --video also installs ultralytics (and with it torch, some GB).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${FOVEA_BENCH_VENV:-$here/.venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv" >&2
need="numpy onnx onnxruntime openvino opencv-python-headless"
[ "${1:-}" = "--video" ] && need="$need ultralytics lap"
for p in $need; do
    "$venv/bin/python" -c "import importlib.metadata as m; m.version('$p')" 2>/dev/null || missing="${missing:-} $p"
done
# shellcheck disable=SC2086
[ -z "${missing:-}" ] || "$venv/bin/pip" install -q $missing >&2
echo "$venv/bin/python"
