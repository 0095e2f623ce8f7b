# The nested keys of --config (docs/FORMATS.md): the example in the documentation runs as it stands; each key does what its flag does; mistakes name
# their line.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_batch.onnx
{
    echo 'YUV4MPEG2 W128 H96 F10:1 Ip A1:1 C420jpeg'
    for i in 1 2 3; do
        echo FRAME
        head -c 12288 /dev/zero | tr '\0' '\377'
        head -c 6144 /dev/zero | tr '\0' '\200'
    done
} >v.y4m
cp "$tiny" large.onnx
cp "$tiny" small.onnx
looks() { # of the summary, and what the nets were
    sed 's/.*"tiles":{"grid":\(\[[0-9,]*\]\),"size":\(\[[0-9,]*\]\).*"views":\([0-9]*\),"looks":\([0-9]*\).*/grid \1 of \2, \3 views, \4 looks/; t; s/.*/no tiles/' s.json
}
go() { fovea track v.y4m --config p.yaml --threads 2 --summary s.json --overwrite "$@" >out 2>err && looks || { echo "=> $?"; cat err; }; }
echo '# the example of the documentation'
sed -n '/^# pipeline.yaml/,/^```/p' "$DATA/../../docs/FORMATS.md" | grep -v '```' >doc.yaml
wc -l <doc.yaml
sed 's/precision: fp32/precision: auto/; s/classes: .person./classes: [0]/; s/^gate: true/gate: false/; s/^budget.*//' doc.yaml >p.yaml
fovea count v.y4m --config p.yaml --threads 2 --summary s.json >out 2>err || cat err
looks
grep -o '"door":{"in":[0-9]*' s.json
sed 's/classes: .person./classes: [0]/' doc.yaml >p.yaml
fovea count v.y4m --config p.yaml --threads 2 --summary s.json --overwrite >out 2>err || cat err
grep -o '"over_budget":[0-9]*,"budget_ms":[0-9]*' s.json | sed 's/:[0-9]*,/,/'
echo '# parts of it'
conf() { printf '%b' "$1" >p.yaml; shift; go "$@"; }
conf 'models:\n  yolo_global: {engine: large.onnx}\n  yolo_tiles: {engine: small.onnx}\ngate: false\n'
conf 'models:\n  yolo_tiles: {engine: small.onnx}\ngate: false\ngrid: 3x2\n'
conf 'models:\n  yolo_global: {enabled: false}\n  yolo_tiles: {engine: small.onnx}\ngate: false\n'
conf 'models:\n  yolo_global: {engine: large.onnx}\n  yolo_tiles: {engine: none.onnx, enabled: false}\ngrid: 3x2\n'
conf 'models:\n  yolo_global: {engine: large.onnx}\n  yolo_tiles: {precision: bf16}\ngate: false\ngrid: 2x2\noverlap: 0.5\nyolo_tiles_parallel: {enabled: true, groups: 2}\n'
conf 'models:\n  yolo_global: {engine: large.onnx}\ngrid: 2x2\noverlap: [0.5, 0]\nexact: true\nyolo_tiles_parallel: {enabled: false, groups: 64}\n'
conf 'models:\n  yolo_global: {engine: none.onnx}\n  yolo_tiles: {engine: small.onnx}\ngate: false\n' --model large.onnx
echo '# mistakes'
conf 'models:\n  yolo_globl: {engine: a.onnx}\n'
conf 'models:\n  yolo_global:\n    engine: a.onnx\n    precison: fp32\n'
conf 'models:\n  yolo_global:\n    engine: a.onnx\n    precision: fp31\n'
conf 'models:\n  yolo_global: {enabled: maybe}\n'
conf 'models:\n  yolo_global: {enabled: false}\n  yolo_tiles: {enabled: false}\n'
conf 'models: {yolo_global: {}}\n'
conf 'models: [a, b]\n'
conf 'model: a.onnx\nmodels:\n  yolo_global: {engine: b.onnx}\n'
conf 'models:\n  yolo_tiles: {engine: b.onnx}\ntile_model: c.onnx\n'
conf 'models:\n  yolo_tiles: {engine: [b.onnx]}\n'
conf 'yolo_tiles_parallel: {groups: some}\ngrid: auto\nmodel: large.onnx\n'
conf 'yolo_tiles_parallel: {group: 2}\n'
conf 'grid: auto\ntiles: 8x4\n'
conf 'grid: huge\nmodel: large.onnx\n'
conf 'overlap: [0.2, 0.2, 0.2]\n'
conf 'overlap: 1\ngrid: auto\n'
conf 'gate: 3\n'
conf 'gate: true\nexact: true\n'
conf 'budget: -1\n'
conf 'metric_budgets: {end_to_end: 3}\n'
conf 'metric_budgets: {end_to_end_ms: soon}\n'
