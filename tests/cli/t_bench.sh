# Figures differ, their names do not.
# --foreground: without it timeout signals its group too, and a second signal quits at once.
M=$DATA/onnx-ok/attention.onnx
quick="--warmUp 1 --duration 0 --iterations 5"
fovea bench "$M" $quick | cut -c 1-10
echo "--- json"
fovea bench "$M" $quick --threads 2 --batch 3 --json - --dump-profile >out.json; echo "=> $?"
sed 's/:[0-9.]*\([,}]\)/:N\1/g; s/{[^{}]*"tactic"[^{}]*"precision":"fp32","ms":N,"gflop":N,"executed_gflop":N,"gflops":N,"peak_share":N}/LAYER/g; s/LAYER\(,LAYER\)*/LAYERS/' out.json | sed 's/"level":"[a-z0-9]*"/"level":"L"/; s/"warnings":\[[^]]*\]/"warnings":[W]/'
run fovea bench "$M" $quick --json out.json
echo "--- profile"
fovea bench "$M" $quick --dump-profile --percentile 50,99.9 | grep -c 'sum \|p50 .* p99.9.*cv'
fovea bench "$M" $quick --dump-profile | awk '/^peak / {print "peak", ($2 > 0.1 ? "found" : $0)} $1 == "sum" {print "share", ($4 >= 0 && $4 < 120 ? "sane" : $0)}'
echo "--- warned of: more threads than any machine of this test has"
fovea bench "$M" $quick --threads 250 --json many.json 2>&1 >/dev/null | sed 's/on [0-9]* CPUs/on N CPUs/'
grep -c '"warnings":\["250 threads on' many.json
echo "--- streams"
fovea bench "$M" $quick --threads 2 --streams 2 --json two.json --dump-profile 2>err.txt | sed -n 's/.*, 2 threads/2 threads/p' | sed 1q
grep -o '"threads":2,"streams":2' two.json
run fovea bench "$M" $quick --threads 1 --streams 2
echo "--- interrupted: the figures so far, exit 130"
timeout --foreground --preserve-status -s INT 1 fovea bench "$M" --duration 100 >out.txt 2>err.txt; echo "=> $?"
grep -c throughput out.txt
timeout --foreground --preserve-status -s INT 1 fovea bench "$M" --duration 100 --quiet 2>err.txt; echo "=> $?"
timeout --foreground --preserve-status -s TERM 1 fovea bench "$M" --duration 100 --quiet 2>err.txt; echo "=> $?"
