# Wrong words get exit 2, one sentence, and the nearest right word.
run fovea
run fovea exce
run fovea frobnicate
run fovea help nothing
run fovea exec
run fovea exec m.onnx
run fovea exec m.onnx -o
run fovea exec m.onnx -x
run fovea exec -seed 3
run fovea exec m.onnx --sed 1 -o out
run fovea exec m.onnx --seed --batch 2
run fovea exec m.onnx --seed one -o out
run fovea exec m.onnx --batch 0 -o out
run fovea exec m.onnx --batch=1.5 -o out
run fovea exec one.onnx two.onnx -o out
run fovea exec model=m.onnx batsh=2
run fovea exec model=m.onnx half=maybe -o out
run fovea exec m.onnx -o out --precision fp99
run fovea exec m.onnx -o out --half --precision fp32
run fovea bench m.onnx --percentile 90,x
run fovea bench m.onnx --json no/such/folder.json
run fovea doctor please
