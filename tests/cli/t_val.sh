# Scores of a tiny model whose only box has the mean brightness as its confidence (tests/unit/flow/make_tiny.py), from every form
# of data, and what is wrong with data.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_fixed.onnx
picture() { { printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' "$2"; } >"$1"; }
mkdir -p set/images set/labels set/ignore
picture set/images/a.ppm '\377'
picture set/images/b.ppm '\200'
picture set/images/c.ppm '\377'
# every picture has a dog found at the same place; b has a cat that nobody finds, on c there is nothing
echo '1 0.5 0.375 0.25 0.75' >set/labels/a.txt
printf '1 0.5 0.375 0.25 0.70\n0 0.2 0.2 0.1 0.1\n' >set/labels/b.txt
val() { run fovea val "$tiny" "$@" 2>&1 | grep -v 'pictures* in .* ms a picture\|: YOLOv8/'; }
echo '# a folder'
val --data set
echo '# what is found in an ignored area is not wrong'
echo '1 0.5 0.5 1 1' >set/ignore/c.txt
val --data set --quiet --json with.json
rm set/ignore/c.txt
val --data set --quiet --json without.json
for f in with without; do sed 's/"speed_ms.*"without/"without/; s/,"per_class.*},"w/,"w/; s/"rule":"[^"]*"/"rule":"…"/; s/"device":"[^"]*"/"device":"…"/' $f.json; done
echo '# a list, a data.yaml, a COCO file'
printf 'set/images/a.ppm\n\nset/images/b.ppm\n' >list.txt
val --data list.txt
printf 'path: set\ntrain: images\nval: [images]\nnc: 3\nnames: {0: cat, 1: dog, 2: camel}\n' >data.yaml
val --data data.yaml --limit 2
cat >coco.json <<'END'
{"images": [{"id": 7, "file_name": "b.ppm", "width": 64, "height": 32}, {"id": 3, "file_name": "a.ppm", "width": 64, "height": 32}],
 "annotations": [{"id": 1, "image_id": 3, "category_id": 18, "bbox": [24, 0, 16, 24], "area": 384, "iscrowd": 0},
                 {"id": 2, "image_id": 7, "category_id": 18, "bbox": [24, 0, 16, 22.4], "area": 358.4, "iscrowd": 0},
                 {"id": 3, "image_id": 7, "category_id": 17, "bbox": [9.6, 4.8, 6.4, 3.2], "area": 20, "iscrowd": 0},
                 {"id": 4, "image_id": 7, "category_id": 90, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0}],
 "categories": [{"id": 17, "name": "Cat"}, {"id": 18, "name": "dog"}, {"id": 90, "name": "toothbrush"}]}
END
val --data coco.json --images set/images --save-json results.json
cat results.json
echo '# bad labels are left out and listed; the others count'
echo '1 0.5 0.375 0.25' >set/labels/a.txt
val --data set
printf '1 0.5 0.375 0.25 0.75\n\n5 0.5 0.5 0.1 0.1\n' >set/labels/a.txt
val --data set --limit 2
echo '1 40 12 16 24' >set/labels/a.txt
val --data list.txt --quiet
echo '1 0.5 x 0.25 0.75' >set/labels/a.txt
val --data list.txt --quiet
echo '1 0.5 0.375 0.25 0.75' >set/labels/a.txt
echo '# missing and broken pictures'
printf 'set/images/a.ppm\nset/images/none.ppm\nset/images/broken.jpg\nrtsp://192.0.2.1/a\n-\nset\n/dev/zero\n' >some.txt
echo 'no picture' >set/images/broken.jpg
val --data some.txt --quiet
rm set/images/broken.jpg
echo '# nothing to score'
mkdir empty unlabelled unlabelled/images && cp set/images/a.ppm unlabelled/images
run fovea val "$tiny" --data empty --quiet
run fovea val "$tiny" --data unlabelled --quiet
run fovea val "$tiny" --data nowhere
run fovea val "$tiny"
run fovea val "$tiny" --data set --images set/images
run fovea val "$tiny" --data results.csv
touch results.csv && run fovea val "$tiny" --data results.csv
run fovea val nobody --data set
echo '# data files that are wrong'
printf 'path: set\ntrain: images\nnames: [cat, dog]\n' >bad.yaml
run fovea val "$tiny" --data bad.yaml --quiet
printf 'val: images\nnames: [horse, cow]\n' >bad.yaml
run fovea val "$tiny" --data bad.yaml --quiet
printf 'val: nowhere\nnames: [cat, dog]\n' >bad.yaml
run fovea val "$tiny" --data bad.yaml --quiet
printf 'val: images\nnames: {0: cat, 2: dog}\n' >bad.yaml
run fovea val "$tiny" --data bad.yaml --quiet
printf 'val: [images\n' >bad.yaml
run fovea val "$tiny" --data bad.yaml --quiet
head -c 300 coco.json >bad.json
run fovea val "$tiny" --data bad.json --quiet
sed 's/"image_id": 3/"image_id": 4/' coco.json >bad.json
run fovea val "$tiny" --data bad.json --images set/images --quiet
sed 's/"category_id": 90/"category_id": 91/' coco.json >bad.json
run fovea val "$tiny" --data bad.json --images set/images --quiet
sed 's/"b.ppm"/"..\/..\/b.ppm"/' coco.json >bad.json
run fovea val "$tiny" --data bad.json --images set/images --quiet
sed 's/"bbox": \[24, 0, 16, 24\]/"bbox": [24, 0, 16, "x"]/' coco.json >bad.json
run fovea val "$tiny" --data bad.json --images set/images --quiet
sed 's/"width": 64/"width": 46/' coco.json >bad.json
run fovea val "$tiny" --data bad.json --images set/images --quiet
run fovea val "$tiny" --data coco.json --images nowhere --quiet
echo '[]' >bad.json
run fovea val "$tiny" --data bad.json --quiet
echo '# outputs'
run fovea val "$tiny" --data set --json with.json --quiet
run fovea val "$tiny" --data set --json same --save-json same --quiet
# against another model: here the same one
run fovea val "$tiny" --data set --against "$tiny" --resamples 50 --quiet --json against.json
sed 's/.*"against":{"model":"[^"]*"/against/; s/}.*//' against.json
run fovea val "$tiny" --data set --against nothing.onnx --quiet
