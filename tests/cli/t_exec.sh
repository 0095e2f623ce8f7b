# Tensors in, tensors out: the same seed gives the same bytes, an output can be an input again, wrong input is exit 2.
M=$DATA/onnx-ok
run fovea exec "$M/attention.onnx" --seed 7 -o a
run fovea exec "$M/attention.onnx" --seed 7 -o b --threads 1 --quiet
run cmp a/y.npy b/y.npy
run fovea exec "$M/attention.onnx" --seed 8 -o c --quiet
cmp -s a/y.npy c/y.npy && echo "another seed, the same output"
head -c 128 a/y.npy | tr -cd '[:print:]' | tr -s ' ' | cut -c 1-120; echo
run fovea exec "$M/attention.onnx" --seed 7 -o a
run fovea exec "$M/attention.onnx" --seed 7 -o a --overwrite --quiet
# what is wrong with the input
run fovea exec "$M/attention.onnx" -o d
run fovea exec "$M/attention.onnx" --input nope=a/y.npy -o d
run fovea exec "$M/attention.onnx" --input x=nope.npy -o d
run fovea exec "$M/attention.onnx" --input x=a/y.npy -o d
run fovea exec "$M/attention.onnx" --input a/y.npy --input a/y.npy -o d
run fovea exec "$M/attention.onnx" --seed 1 --shapes x:1x4x8 -o d
run fovea exec "$M/attention.onnx" --seed 1 --shapes z:1x4x8x8 -o d
head -c 100 a/y.npy >cut.npy
run fovea exec "$M/attention.onnx" --input x=cut.npy -o d
run fovea exec "$M/attention.onnx" --input x="$M/attention.onnx" -o d
[ -e d ] && echo "d was made"
# a batch is N runs
run fovea exec "$M/attention.onnx" --seed 7 --batch 3 -o e
run fovea exec "$M/attention.onnx" --input e/y.npy -o d
# where the output goes
touch file
run fovea exec "$M/attention.onnx" --seed 1 -o file
run fovea exec "$M/attention.onnx" --seed 1 -o no/such
run fovea exec "$M/symbolic_metadata.onnx" --seed 1 -o f
# the plain C level and other thread counts; the null backend computes nothing and says the right shapes
run fovea exec "$M/attention.onnx" --seed 7 -o g --cpu c --threads 3
run fovea exec "$M/attention.onnx" --seed 7 -o h --device null
