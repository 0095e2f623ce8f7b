# Tasks other than boxes, on models whose answers can be said by hand: JSON, label files, what is refused.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
for t in pose segment classify; do cp "$DATA/../unit/flow/tiny_$t.onnx" $t.onnx; done
{ printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' '\377'; } >white.ppm
for t in pose segment classify; do
    run fovea predict white.ppm --model $t.onnx --json - --save-txt labels-$t --quiet
    cat labels-$t/white.txt
done
run fovea predict white.ppm --model classify.onnx --quiet --json - --max-det 2 --classes blue,red
run fovea track white.ppm --model classify.onnx
run fovea count white.ppm --model classify.onnx --line a=0,0,1,1
run fovea predict white.ppm --model pose.onnx --task segment
run fovea predict white.ppm --model pose.onnx --preset yolov8
run fovea predict white.ppm --model pose.onnx --preset yolov99
run fovea predict white.ppm --model pose.onnx --mean 1,2
run fovea predict white.ppm --model pose.onnx --std 0,0,0
run fovea predict white.ppm --model classify.onnx --pad topleft
