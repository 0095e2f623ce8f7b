#!/bin/sh
# Makes train/venv with everything the recipe needs, from PyPI.   ./setup.sh [--cpu] [--dry-run]
#   --cpu: PyTorch without CUDA, a tenth of the size, from PyTorch's own index    --dry-run: only says what would be installed
set -eu
cd "$(dirname "$0")"
cpu=no dry=
for arg; do
    case $arg in
    --cpu) cpu=yes ;;
    --dry-run) dry=--dry-run ;;
    *) sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed" >&2; exit 1; }
[ -x venv/bin/python ] || python3 -m venv venv
if [ $cpu = yes ]; then
    # shellcheck disable=SC2086
    venv/bin/python -m pip install -q $dry --retries 1 --index-url https://download.pytorch.org/whl/cpu torch torchvision ||
        { echo "setup: PyTorch's index for CPUs gives nothing; without --cpu the build with CUDA comes from PyPI" >&2; exit 1; }
fi
# shellcheck disable=SC2086
venv/bin/python -m pip install $dry --retries 1 -r requirements.txt | tail -n 1
[ -z "$dry" ] || exit 0
venv/bin/python -c 'import torch; print("torch", torch.__version__, "on", torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU")'
