#!/bin/sh
# Runs one script of this folder in an empty folder and compares what it prints. Usage: run.sh FOVEA t_NAME.sh
# The script calls `run fovea ...`: the command, its output (stdout and stderr) and its exit code are printed.
set -u
fovea=$1 script=$2
expected=${script%.sh}.out
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/prelude" <<'END'
run() {
    echo "\$ $*"
    "$@" </dev/null
    code=$?
    [ $code = 0 ] || echo "=> $code"
}
END
mkdir "$tmp/here"
PATH=$(dirname "$fovea"):$PATH
DATA=$(cd "$(dirname "$script")/../data" && pwd)
XDG_CACHE_HOME=$tmp/cache # what the user's runs timed changes last digits
FOVEA_PRECISION=file # the same digits on machines where bf16 is faster
export FOVEA_PRECISION PATH DATA XDG_CACHE_HOME LC_ALL=C
(cd "$tmp/here" && . "$tmp/prelude" && . "$script") >"$tmp/out" 2>&1
code=$?
[ $code = 77 ] && { cat "$tmp/out"; exit 77; }
sed "s|$DATA|DATA|g" "$tmp/out" >"$tmp/clean"
if [ -n "${FOVEA_UPDATE:-}" ]; then cp "$tmp/clean" "$expected"; fi
diff -u "$expected" "$tmp/clean" && [ $code = 0 ]
