#!/bin/sh
# Builds fovea and runs every test.   ./test.sh [--quick] [--long] [--no-install] [--jobs N]
#   --quick       only the release build and its tests
#   --long        also fuzzing, a minute a target
#   --no-install  do not install missing Debian packages
# Real models, pictures and clips are read from $FOVEA_TEST_DATA (default ../shared/data where that exists); tests that
# need them are skipped without. The last line counts all tests of all builds; the exit code is 1 when one failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here" || exit 1
say() { printf '%s\n' "$*"; }

quick=no long=no install=yes jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes ;;
    --long) long=yes ;;
    --no-install) install=no ;;
    --jobs) [ $# -gt 1 ] || { say "test: --jobs needs a number" >&2; exit 2; }; jobs=$2; shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) say "test: unknown flag $1 (see ./test.sh --help)" >&2; exit 2 ;;
    esac
    shift
done

# ---- what it needs ----
packages="gcc g++ cmake ninja-build pkg-config python3 python3-venv ffmpeg libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libturbojpeg0-dev
 libfreetype-dev libyaml-dev libcjson-dev libxxhash-dev libcmocka-dev libsimde-dev python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
 gstreamer1.0-plugins-ugly libsdl2-dev"
[ $long = no ] || packages="$packages clang libclang-rt-14-dev"
missing=
for p in $packages; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"; done
if [ -n "$missing" ] && [ $install = yes ]; then
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    say "+${sudo:+ $sudo} apt-get install -y --no-install-recommends$missing"
    $sudo apt-get update -qq || say "test: apt-get update failed; trying with the lists that are there"
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || { say "test: the packages could not be installed"; exit 1; }
elif [ -n "$missing" ]; then
    say "test: not installed (--no-install):$missing"
fi
if [ -z "${FOVEA_TEST_DATA:-}" ] && [ -d ../shared/data ]; then FOVEA_TEST_DATA=$(cd ../shared/data && pwd); fi
[ -z "${FOVEA_TEST_DATA:-}" ] || { export FOVEA_TEST_DATA; say "test data: $FOVEA_TEST_DATA"; }
export ASAN_OPTIONS="allocator_may_return_null=1:detect_leaks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
export TSAN_OPTIONS="halt_on_error=1:allocator_may_return_null=1:suppressions=$here/tests/tsan.supp${TSAN_OPTIONS:+:$TSAN_OPTIONS}"

# ---- builds and their tests ----
passed=0 failed=0 skipped=0 began=$(date +%s) wrong=
broken() { # NAME: a build or run without a result counts as one failed test
    failed=$((failed + 1)); wrong="$wrong
  $1"
}
attribute() { sed -n "s/.*[[:space:]<]$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1; }
# build PRESET [cmake flags]
build() {
    preset=$1; shift
    start=$(date +%s)
    mkdir -p "build/$preset"
    log=build/$preset/build.log
    if cmake --preset "$preset" "$@" >"$log" 2>&1 && cmake --build "build/$preset" -j "$jobs" >>"$log" 2>&1; then
        say "== $preset: built in $(($(date +%s) - start)) s"
        return 0
    fi
    say "== $preset: the build failed (build/$preset/build.log)"
    grep -m 20 -E 'error|FAILED|Error' "$log" || tail -n 20 "$log"
    broken "build of $preset"
    return 1
}
# run PRESET [ctest flags]
run() {
    preset=$1; shift
    start=$(date +%s)
    xml=build/$preset/ctest.xml log=build/$preset/ctest.log
    rm -f "$xml"
    $wrap ctest --test-dir "build/$preset" -j "$jobs" --timeout 300 --output-on-failure --output-junit "$here/$xml" "$@" >"$log" 2>&1
    if [ ! -s "$xml" ] || [ "$(attribute "$xml" tests)" = 0 ]; then
        tail -n 20 "$log"; broken "tests of $preset"; return
    fi
    all=$(attribute "$xml" tests) bad=$(attribute "$xml" failures) skip=$(attribute "$xml" skipped) off=$(attribute "$xml" disabled)
    skip=$((${skip:-0} + ${off:-0}))
    passed=$((passed + all - bad - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
    say "== $preset: $((all - bad - skip)) passed, $bad failed, $skip skipped in $(($(date +%s) - start)) s"
    sed -n 's/^.*<testcase name="\([^"]*\)".*status="notrun".*/   skipped: \1/p' "$xml"
    [ "$bad" = 0 ] || {
        wrong="$wrong$(sed -n "s/^.*<testcase name=\"\([^\"]*\)\".*status=\"fail\".*/\n  $preset: \1/p" "$xml")"
        grep -v -E '^ *[0-9]+/[0-9]+ Test|^ +Start +[0-9]+:' "$log" | head -n 120
    }
}
wrap=
mkdir -p build

# whole models are compared with Python references; without the data, or where pip cannot fetch them, those tests are skipped
python=python3
if [ -n "${FOVEA_TEST_DATA:-}" ] && ! python3 -c 'import numpy, onnx, onnxruntime, cv2, pycocotools' 2>/dev/null; then
    venv=${FOVEA_TEST_VENV:-build/venv}
    if [ -x "$venv/bin/python" ] || { [ $install = yes ] && python3 -m venv "$venv" >/dev/null 2>&1; }; then
        "$venv/bin/python" -c 'import numpy, onnx, onnxruntime, cv2, pycocotools' 2>/dev/null || [ $install = no ] ||
            "$venv/bin/python" -m pip install -q numpy onnx onnxruntime opencv-python-headless pycocotools >build/pip.log 2>&1 ||
            say "test: the Python references could not be installed (build/pip.log); model tests are skipped"
        python=$(cd "$venv" && pwd)/bin/python
    fi
fi

build release -DFV_WERROR=ON -DFV_TESTS=ON -DFV_PYTHON="$python" && run release
if [ $quick = no ]; then
    build asan && run asan -LE 'lint|header|docs' # examples of the help say nothing new under it
    # some kernels place memory where the thread sanitizer of this compiler cannot have it
    if build tsan; then
        first=$(find build/tsan/tests -maxdepth 1 -name 'unit_base_test_hist' | head -n 1)
        if [ -n "$first" ] && ! "$first" >/dev/null 2>&1 && setarch -R "$first" >/dev/null 2>&1; then wrap="setarch -R"; fi
        run tsan -LE 'lint|header|docs|kern' # one kernel at a time: no threads
        wrap=
    fi
    build scalar && run scalar -LE 'lint|header'
fi
if [ $long = yes ] && build fuzz -DFV_MEDIA=OFF; then
    for target in build/fuzz/fuzz/fuzz_*; do
        if [ ! -f "$target" ] || [ ! -x "$target" ]; then continue; fi
        name=$(basename "$target")
        found=build/fuzz/found/$name # new inputs stay here from run to run
        mkdir -p "$found"
        set -- "$found"
        for seeds in "fuzz/corpus/${name#fuzz_}" tests/data/onnx-ok tests/data/onnx-bad; do [ ! -d "$seeds" ] || set -- "$@" "$seeds"; done
        if "$target" -max_total_time="${FOVEA_FUZZ_SECONDS:-60}" -max_len=65536 -rss_limit_mb=2048 -timeout=20 -artifact_prefix="build/fuzz/$name-" "$@" >"build/fuzz/$name.log" 2>&1; then
            passed=$((passed + 1))
            say "== fuzz: $name: $(grep -c '' "build/fuzz/$name.log") lines in build/fuzz/$name.log"
        else
            tail -n 30 "build/fuzz/$name.log"; broken "fuzz: $name"
        fi
    done
fi

[ -z "$wrong" ] || say "failed:$wrong"
say "took $(($(date +%s) - began)) s"
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
