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
