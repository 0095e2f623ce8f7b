#!/bin/sh
# Makes train/venv with everything the recipe needs.   ./setup.sh [--cpu]     (--cpu: PyTorch without CUDA, a tenth of the size)
set -eu
cd "$(dirname "$0")"
index=
[ "${1:-}" != --cpu ] || index="--extra-index-url https://download.pytorch.org/whl/cpu"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed" >&2; exit 1; }
[ -x venv/bin/python ] || python3 -m venv venv
# shellcheck disable=SC2086
venv/bin/python -m pip install -q --upgrade $index -r requirements.txt
venv/bin/python -c 'import torch; print("torch", torch.__version__, "on", torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU")'
