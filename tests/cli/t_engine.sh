# Engine files: built, looked at, run from a file and from a pipe, stripped, refitted with the same and other weights; what is refused and why.
M=$DATA/onnx-ok C="--cpu c --threads 1 --builderOptimizationLevel 0" # nothing is timed: a choice of the moment would change bytes
plain() { sed "s/ in [0-9.]* s$/ in T s/; s/refitted in [0-9.]* ms/refitted in T ms/; s|$XDG_CACHE_HOME|CACHE|"; }
show() { run "$@" >printed 2>&1; plain <printed; }
same() { cmp -s "a/$1.npy" "$2/$1.npy" && echo "$1: the same bytes" || echo "$1: other bytes"; }
# shellcheck disable=SC2086
out() { fovea exec "$1" --seed 1 $C -o "$2" --overwrite --quiet; } # MODEL FOLDER

echo "--- built and run"
show fovea build "$M/conv_bn_silu_opset17.onnx" -o m.fv $C
show fovea build "$M/conv_bn_silu_opset17.onnx" -o m.fv $C
show fovea build "$M/conv_bn_silu_opset17.onnx" -o m.fv $C --overwrite
out "$M/conv_bn_silu_opset17.onnx" a; out m.fv b; same y b
fovea build "$M/conv_bn_silu_opset17.onnx" -o - $C --quiet | cmp - m.fv && echo "the same file through a pipe"
fovea inspect m.fv $C | sed -n '/^ *levels/p; /^ *graph =/p; /constants/p; /packed/p'
cat m.fv | fovea bench - $C --duration 0 --iterations 1 --warmUp 0 | sed -n '1,2p'
echo "--- compared"
run fovea compare "$M/conv_bn_silu_opset17.onnx" cpu:c cpu:c:./m.fv --quiet
echo "--- stripped and refitted"
show fovea build "$M/conv_bn_silu_opset17.onnx" -o slim.fv --stripWeights $C
run fovea exec slim.fv --seed 1 -o x $C
run fovea bench slim.fv $C
show fovea refit slim.fv --weights "$M/conv_bn_silu_opset17.onnx" -o full.fv $C
cmp full.fv m.fv && echo "the file that would have been built"
cp "$M/conv_bn_silu_opset17.onnx" other.onnx; printf '\277' | dd of=other.onnx bs=1 seek=272 conv=notrunc 2>/dev/null # in a weight
show fovea refit m.fv --weights other.onnx -o other.fv $C
out other.onnx c; out other.fv d; same y d; cmp c/y.npy d/y.npy && echo "y: of the other weights"
run fovea refit m.fv --weights "$M/conv_bn_silu_opset11.onnx" -o no.fv $C
fovea bench slim.fv --refitFromOnnx "$M/conv_bn_silu_opset17.onnx" --timeRefit --timeDeserialize $C --duration 0 --iterations 1 --warmUp 0 | sed -n 's/[0-9.]* ms/T ms/; s/compared [0-9.]*, planned and packed [0-9.]*/compared T, planned and packed T/p; s/checked [0-9.]*, planned [0-9.]*/checked T, planned T/p'
echo "--- weights of another graph: those that are missing, and those of another shape, by name"
run fovea refit slim.fv --weights "$M/conv_transpose.onnx" -o no.fv $C
run fovea refit slim.fv --weights "$M/gemm.onnx" -o no.fv $C
run fovea bench slim.fv --refitFromOnnx "$M/conv_groups.onnx" $C
run fovea refit slim.fv --weights m.fv -o no.fv $C
run fovea refit "$M/gemm.onnx" --weights "$M/gemm.onnx" -o no.fv $C
run fovea refit slim.fv -o no.fv $C
run fovea bench "$M/gemm.onnx" --refitFromOnnx "$M/gemm.onnx" $C
[ -e no.fv ] && echo "no.fv was made"
echo "--- levels, versions, damage"
fovea build "$M/conv_bn_silu_opset17.onnx" -o high.fv --target avx512 $C --quiet
run fovea bench high.fv $C
run fovea build "$M/gemm.onnx" -o no.fv --target sse9 $C
sed 's/0\.1\.0 tactics ./0.1.0 tactics !/' m.fv >bad.fv; run fovea bench bad.fv $C 2>&1 | sed 's/tactics [0-9a-f!]*/tactics T/g'
head -c 1000 m.fv >cut.fv; run fovea bench cut.fv $C 2>&1 | sed 's/should have [0-9]*/should have N/'
(head -c 500 m.fv; printf '\377'; tail -c +502 m.fv) >bit.fv; run fovea bench bit.fv $C
echo "--- shapes"
run fovea build "$M/symbolic_metadata.onnx" -o no.fv $C
run fovea build "$M/conv_bn_silu_opset17.onnx" -o no.fv $C --minShapes x:2x4x8x8 --maxShapes x:1x4x8x8
run fovea build "$M/conv_bn_silu_opset17.onnx" -o no.fv $C --shapes x:2x4x8x8 --maxShapes x:1x4x8x8
show fovea build "$M/conv_bn_silu_opset17.onnx" -o batch.fv $C --minShapes x:1x4x8x8 --optShapes x:2x4x8x8 --maxShapes x:4x4x8x8
fovea bench batch.fv $C --batch 3 --duration 0 --iterations 1 --warmUp 0 | sed -n 2p
run fovea bench batch.fv $C --batch 5
echo "--- memory"
run fovea bench "$M/conv_bn_silu_opset17.onnx" $C --batch 4096 --memory-limit 1
run fovea bench "$M/conv_bn_silu_opset17.onnx" $C --memory-limit 0
