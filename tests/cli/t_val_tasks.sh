# Scores of masks, keypoints and classes, of tiny models whose answers can be said by hand (tests/unit/flow/make_tiny.py).
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
flow=$DATA/../unit/flow
picture() { { printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' "$2"; } >"$1"; }
colour() { { printf 'P6 32 32 255\n'; i=0; while [ $i -lt 1024 ]; do printf "$2"; i=$((i + 1)); done; } >"$1"; }
val() { run fovea val "$@" 2>&1 | grep -v 'pictures* in .* ms a picture\|, from metadata'; }
mkdir -p set/images set/labels
picture set/images/a.ppm '\377'
picture set/images/b.ppm '\200'
echo '# keypoints: a has them where they are found, b has one elsewhere'
echo '0 0.5 0.375 0.25 0.75 0.4375 0 2 0.5625 0.5 2' >set/labels/a.txt
echo '0 0.5 0.375 0.25 0.75 0.4375 0 2 0.9 0.9 1' >set/labels/b.txt
val "$flow/tiny_pose.onnx" --data set
printf 'val: set/images\nnames: [person]\nkpt_shape: [2, 3]\n' >data.yaml
val "$flow/tiny_pose.onnx" --data data.yaml --quiet --json pose.json --save-json found.json
sed 's/.*"keypoints":{/{/; s/,"per_class.*//' pose.json
cat found.json
sed 's/2, 3/3, 3/' data.yaml >other.yaml
val "$flow/tiny_pose.onnx" --data other.yaml --quiet
echo '0 0.5 0.375 0.25 0.75 0.4375 0 2' >set/labels/b.txt
val "$flow/tiny_pose.onnx" --data set --quiet
echo '0 0.5 0.375 0.25 0.75' | tee set/labels/b.txt >set/labels/a.txt
val "$flow/tiny_pose.onnx" --data set
echo '# masks: the left half of the box is found; a has that half, b the whole box'
val "$flow/tiny_segment.onnx" --data set
echo '0 0.375 0 0.5 0 0.5 0.75 0.375 0.75' >set/labels/a.txt
echo '0 0.375 0 0.625 0 0.625 0.75 0.375 0.75' >set/labels/b.txt
val "$flow/tiny_segment.onnx" --data set
cat >coco.json <<'END'
{"images": [{"id": 1, "file_name": "a.ppm", "width": 64, "height": 32}, {"id": 2, "file_name": "b.ppm", "width": 64, "height": 32}],
 "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [24, 0, 8, 24], "area": 192, "iscrowd": 0, "segmentation": [[24, 0, 28, 0, 28, 24, 24, 24], [28, 0, 32, 0, 32, 24, 28, 24]]},
                 {"id": 2, "image_id": 2, "category_id": 1, "bbox": [0, 0, 64, 32], "area": 2048, "iscrowd": 1, "segmentation": {"size": [32, 64], "counts": [0, 2048]}}],
 "categories": [{"id": 1, "name": "person"}]}
END
val "$flow/tiny_segment.onnx" --data coco.json --images set/images --save-json masks.json
cat masks.json
sed 's/"counts": \[0, 2048\]/"counts": [0, 2047]/' coco.json >bad.json
val "$flow/tiny_segment.onnx" --data bad.json --images set/images
echo '# classes'
mkdir -p classes/red classes/green classes/blue other/val/n01 other/val/n02 other/val/n03 wrong/pink wrong/red
colour classes/red/1.ppm '\377\0\0'
colour classes/red/2.ppm '\0\377\0'
colour classes/green/1.ppm '\0\200\0'
colour classes/blue/1.ppm '\100\0\377'
val "$flow/tiny_classify.onnx" --data classes --json classes.json
sed 's/.*"images"/"images"/; s/"speed.*"without/"without/' classes.json
cp classes/red/1.ppm other/val/n01
cp classes/blue/1.ppm other/val/n03
val "$flow/tiny_classify.onnx" --data other
cp classes/red/1.ppm wrong/pink
val "$flow/tiny_classify.onnx" --data wrong
val "$flow/tiny_classify.onnx" --data set/images
val "$flow/tiny_classify.onnx" --data data.yaml
