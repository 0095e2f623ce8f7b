# Pictures through a tiny model whose only box has the mean brightness as its confidence (tests/unit/flow/make_tiny.py).
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_fixed.onnx
picture() { { printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' "$2"; } >"$1"; }
mkdir in
picture in/black.ppm '\0'
picture in/white.ppm '\377'
picture in/gray.ppm '\200'
quiet() { "$@" 2>&1 | grep -v '^Speed:\|^Latency:\|: YOLOv8/' ; }
echo '# one picture; gray padding makes half of the mean'
quiet fovea predict in/white.ppm --model "$tiny" --conf 0.1
echo '# every kind of text'
quiet fovea predict in --model "$tiny" --conf 0.4 --json f.jsonl --csv f.csv --mot f.txt --save-txt labels --save-crop crops --summary s.json
cat f.jsonl f.csv f.txt labels/*.txt s.json
find labels crops -type f | sort
echo '# annotated pictures'
quiet fovea predict in --model "$tiny" -o out
ls out
echo '# one broken among good ones, and one that is not there'
echo 'no picture' >in/broken.jpg
run fovea predict in nothere.png --model "$tiny" --quiet --json broken.jsonl
grep -c source broken.jsonl
echo '# nothing good'
run fovea predict nothere.png --model "$tiny"
run fovea predict in/broken.jpg --model "$tiny"
echo '# outputs that are refused before work starts'
run fovea predict in/white.ppm --model "$tiny" --json f.jsonl
run fovea predict in/white.ppm --model "$tiny" -o no/such/folder/x.png
run fovea predict in/white.ppm --model "$tiny" -o x.mp4
run fovea predict in/white.ppm in/gray.ppm --model "$tiny" -o x.png
run fovea predict in/white.ppm --model "$tiny" --save-txt labels
run fovea predict in/white.ppm --model "$tiny" --json - --csv -
run fovea predict in/white.ppm --model "$tiny" --json x --csv x
run fovea predict in/white.ppm --model "$tiny" --map-format color
run fovea predict in/white.ppm --model "$tiny" --save-map m --map-range 1,2
run fovea predict in/white.ppm --model "$tiny" --save-map m --map-format png16 --map-range 2,1
run fovea predict out/white.jpg --model "$tiny" -o out --overwrite
echo '# models and classes'
run fovea predict in/white.ppm --model ''
run fovea predict in/white.ppm --model nobody
run fovea predict in/white.ppm --model no/body.onnx
run fovea predict in/white.ppm --model "$tiny" --classes dgo
run fovea predict in/white.ppm --model "$tiny" --classes 2
run fovea predict in/white.ppm --model "$tiny" --imgsz 48
quiet fovea predict in/white.ppm --model "$tiny" --conf 0.1 --classes cat
printf 'left\nright\n' >names.txt
quiet fovea predict in/white.ppm --model "$tiny" --conf 0.1 --names names.txt --classes right
mkdir models
cp "$tiny" models/mine.onnx
quiet fovea predict in/white.ppm --model mine --conf 0.1
