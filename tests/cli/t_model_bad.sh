# A model that cannot be used: exit 4 and a sentence that says why; nothing is written.
B=$DATA/onnx-bad
run fovea exec missing.onnx --seed 1 -o out
run fovea bench missing.onnx
run fovea inspect missing.onnx
run fovea exec . --seed 1 -o out
run fovea exec "$B/empty.onnx" --seed 1 -o out
run fovea exec "$B/cut_short.onnx" --seed 1 -o out
run fovea exec "$B/noise.onnx" --seed 1 -o out
run fovea exec "$B/plain_text.onnx" --seed 1 -o out
run fovea exec "$B/pytorch_zip.onnx" --seed 1 -o out
run fovea exec "$B/tensorrt.onnx" --seed 1 -o out
run fovea exec "$B/unsupported_operators.onnx" --seed 1 -o out
run fovea exec "$B/external_parent.onnx" --seed 1 -o out
run fovea inspect "$B/null_in_name.onnx"
head -c 200 "$DATA/onnx-ok/attention.onnx" >cut.onnx
run fovea bench cut.onnx
run fovea exec "$DATA/onnx-ok/attention.onnx" --seed 1 -o out --device cuda
run fovea exec "$DATA/onnx-ok/attention.onnx" --seed 1 -o out --device 0
run fovea exec "$DATA/onnx-ok/attention.onnx" --seed 1 -o out --half
run fovea exec "$DATA/onnx-ok/attention.onnx" --seed 1 -o out --cpu avx1024
[ -e out ] && echo "out was made"
# every bad model, through the same door
for m in "$B"/*.onnx; do
    fovea inspect "$m" >/dev/null 2>message; code=$?
    [ $code = 4 ] || echo "$(basename "$m"): exit $code"
    [ "$(wc -l <message)" = 1 ] || { echo "$(basename "$m"): not one line:"; cat message; }
done
