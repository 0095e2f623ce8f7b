# Figures differ, their names do not.
# --foreground: without it timeout signals its group too, and a second signal quits at once.
M=$DATA/onnx-ok/attention.onnx
quick="--warmUp 1 --duration 0 --iterations 5"
fovea bench "$M" $quick | cut -c 1-10
echo "--- json"
fovea bench "$M" $quick --threads 2 --batch 3 --json - --dump-profile >out.json; echo "=> $?"
sed 's/:[0-9.]*\([,}]\)/:N\1/g; s/{[^{}]*"tactic"[^{}]*}/LAYER/g; s/LAYER\(,LAYER\)*/LAYERS/' out.json | sed 's/"level":"[a-z0-9]*"/"level":"L"/'
run fovea bench "$M" $quick --json out.json
echo "--- profile"
fovea bench "$M" $quick --dump-profile --percentile 50,99.9 | grep -c 'sum \|p50 .* p99.9'
echo "--- interrupted: the figures so far, exit 130"
timeout --foreground --preserve-status -s INT 1 fovea bench "$M" --duration 100 >out.txt; echo "=> $?"
grep -c throughput out.txt
timeout --foreground --preserve-status -s INT 1 fovea bench "$M" --duration 100 --quiet; echo "=> $?"
timeout --foreground --preserve-status -s TERM 1 fovea bench "$M" --duration 100 --quiet; echo "=> $?"
