# Run files in, one page out; what is no run file is named.
cat >a.json <<'END'
{"fovea":"0.1.0","type":"run","schema":1,"verb":"count","model":"m.onnx","frames":{"decoded":10,"processed":10,"dropped":0,"skipped":0},
"wall_s":1,"fps":10,"bottleneck":"infer","stages":[{"name":"infer_m_ms","stage":"infer","count":10,"mean":90,"min":80,"max":100,"p50":90,"p95":99,"p99":100}],
"summary":{"lines":{"<i>":{"in":3,"out":4}}}}
END
run fovea report
run fovea report a.json
run fovea report a.json -o r.html
grep -c '<!DOCTYPE html>' r.html
grep -o '&lt;i&gt;' r.html
run fovea report a.json -o r.html
run fovea report a.json a.json -o r.html --overwrite
grep -o '2 runs side by side' r.html | head -n 1
run fovea report nothing.json -o x.html
echo '{"type":"run"' >cut.json
run fovea report cut.json -o x.html
echo '{"boxes":[]}' >other.json
run fovea report a.json other.json -o x.html
run fovea report a.json -o no/such/folder.html
run fovea report a.json -o .
ls
# builds side by side
lat() { echo "\"latency_ms\":{\"min\":1,\"median\":$1,\"p90\":$1,\"p95\":$1,\"p99\":$1},\"throughput_ips\":10"; }
echo "{\"model\":\"x/m.onnx\",\"precision\":\"fp32\",\"level\":\"avx512\",\"threads\":2,\"bytes\":12000000,\"load_ms\":100,\"session_ms\":20,$(lat 80)}" >b32.json
echo "{\"model\":\"x/m.onnx\",\"precision\":\"int8\",\"level\":\"avx512\",\"threads\":2,\"bytes\":3000000,\"load_ms\":60,\"session_ms\":15,$(lat 20)}" >b8.json
echo '{"model":"x/m.onnx","precision":"fp32","map50_95":0.436,"map50":0.6}' >v32.json
echo '{"model":"x/m.onnx","precision":"int8","map50_95":0.433,"map50":0.6}' >v8.json
echo '{"model":"x/m.onnx","precision":"int8","timed":5,"build_ms":900}' >cold.json
echo '{"model":"x/m.onnx","precision":"int8","timed":0,"build_ms":200}' >warm.json
echo '{"model":"x/m.onnx","precision":"fp8","agreement":0.98,"results":[{"precision":"fp32","bytes":12000000},{"precision":"fp8","bytes":3500000}]}' >q8.json
run fovea report --builds b32.json b8.json v32.json v8.json cold.json warm.json q8.json -o builds.html
sed 's/<[^>]*>/ /g' builds.html | grep -A 40 'All figures' | grep -v '^ *$' | sed 's/  */ /g; s/Made by.*//'
grep -c 'class="bar"' builds.html
run fovea report --builds b32.json b32.json v8.json -o twice.html
echo '{"model":"m","precision":"int8","latency_ms":{"median":1}}' >other8.json
run fovea report --builds b8.json other8.json -o x.html
run fovea report --builds a.json -o x.html
run fovea report --builds cut.json -o x.html
echo '{"precision":"fp99","build_ms":1}' >odd.json
run fovea report --builds odd.json -o x.html
