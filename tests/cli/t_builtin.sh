# The built-in detector by name, in every verb that takes a model.
fovea doctor | grep -q '^models  *person' || { echo "built without models"; exit 77; }
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
picture() { { printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' "$2"; } >"$1"; }
picture gray.ppm '\200'
quiet() { "$@" 2>&1 | grep -v '^Speed:\|^Latency:' ; }
rule() { "$@" 2>&1 | sed -n 's/, cpu .*//; /built in/p'; }
echo '# the default of predict, track and count; nothing is found on gray'
rule fovea predict gray.ppm --conf 0.9
rule fovea track gray.ppm --conf 0.9 --imgsz 64
rule fovea count gray.ppm --conf 0.9 --imgsz 64 --line a=0.5,0,0.5,1
rule fovea predict gray.ppm --conf 0.9 --model person --imgsz 64x96
run fovea predict gray.ppm --model person --imgsz 100
printf 'model: person\nlines: [{name: door, points: [[0.1, 0.5], [0.9, 0.5]]}]\n' >door.yaml
rule fovea count gray.ppm --config door.yaml --imgsz 64
echo '# a name is the built-in model, whatever lies here; ./ means the file'
echo 'no model' >person
mkdir models && cp person models/person.onnx
rule fovea predict gray.ppm --model person --imgsz 64
run fovea predict gray.ppm --model ./person
run fovea inspect ./person
run fovea predict gray.ppm --model prson
echo '# an output may have that name'
quiet fovea predict gray.ppm --model person --conf 0.9 --imgsz 64 --json person --overwrite
cat person
echo '# inspect, bench, compare'
fovea inspect person | sed -n '/^file/p; /^graph/p; /^inputs/,/^outputs/p'
fovea inspect person | grep -c '^steps .*GFLOP'
fovea inspect person --metadata | grep '^task\|^license'
fovea bench person --warmUp 0 --duration 0 --iterations 1 | grep '^model\|^shapes'
fovea compare person cpu:t1 person --shapes 1x3x64x64 | tail -n 1
