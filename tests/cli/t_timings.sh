# Implementations are timed once, remembered in a file, and chosen alike from then on; whatever is wrong with the file is said and it is made anew.
M=$DATA/onnx-ok
quick="--warmUp 1 --duration 0 --iterations 2"
tactics() { sed -n 's/ timed in [0-9.]* s/ timed/; s/^tactics  *//p' | sed "s|$XDG_CACHE_HOME|CACHE|; s/'cpu [^']*'/DEVICE/g"; }
chosen() { bench --threads 1 --dump-profile --json - "$@" | grep -o '"tactic":"[^"]*"'; }
# shellcheck disable=SC2086
bench() { fovea bench "$M/conv_transpose.onnx" $quick "$@"; }

echo "--- timed, then remembered"
bench --threads 1 | tactics
bench --threads 1 | tactics
chosen --timingCacheFile new.cache >a; chosen --timingCacheFile new.cache >b # timed; remembered
cmp a b && grep -c conv a
ls "$XDG_CACHE_HOME/fovea"
echo "--- other verbs take what is there, and time nothing"
run fovea exec "$M/conv_transpose.onnx" --seed 1 --threads 1 --errorOnTimingCacheMiss -o out --quiet
before=$(cksum <"$XDG_CACHE_HOME/fovea/timing.cache")
fovea exec "$M/conv_auto_pad.onnx" --seed 1 --threads 1 -o out2 --quiet
[ "$before" = "$(cksum <"$XDG_CACHE_HOME/fovea/timing.cache")" ] && echo "the cache is as it was"
echo "--- and say what is missing"
fovea exec "$M/conv_auto_pad.onnx" --seed 1 --threads 1 --errorOnTimingCacheMiss -o out3 2>&1 | sed "s|$XDG_CACHE_HOME|CACHE|; s/holds [0-9]*/holds N/"
fovea exec "$M/conv_auto_pad.onnx" --seed 1 --threads 1 --errorOnTimingCacheMiss -o out3 2>/dev/null; echo "=> $?"
bench --threads 2 --builderOptimizationLevel 0 | tactics
echo "--- a file of one's own; two machines, here two numbers of threads, share it"
bench --threads 1 --timingCacheFile t.cache --quiet
bench --threads 2 --timingCacheFile t.cache --quiet
bench --threads 1 --timingCacheFile t.cache | tactics
bench --threads 2 --timingCacheFile t.cache | tactics
grep -c '^device' t.cache
echo "--- damaged, cut, of another version, of another format, no file at all"
broken() { bench --threads 1 --timingCacheFile x.cache "$@" 2>&1 >/dev/null; }
printf 'rubbish' >x.cache; broken --builderOptimizationLevel 0
head -c 300 t.cache >x.cache; broken --builderOptimizationLevel 0
sed 's/winograd/direct/; s/direct/winograd/' t.cache >x.cache; broken --builderOptimizationLevel 0
broken; broken --errorOnTimingCacheMiss && echo "made anew"
rm -f x.cache; mkdir x.cache; broken --builderOptimizationLevel 0; rmdir x.cache
run fovea bench "$M/conv_transpose.onnx" --timingCacheFile no/such/file
run fovea bench "$M/conv_transpose.onnx" --timingCacheFile ""
run fovea bench "$M/conv_transpose.onnx" --builderOptimizationLevel 6
echo "--- progress"
bench --threads 1 --timingCacheFile p.cache --progress json 2>&1 >/dev/null | sed -n '1p;$p'
bench --threads 1 --timingCacheFile q.cache --progress bar 2>&1 >/dev/null | tr '\r' '\n' | sed -n '2s/[.#]\{24\}/BAR/p'
bench --threads 1 --timingCacheFile r.cache --quiet 2>&1
