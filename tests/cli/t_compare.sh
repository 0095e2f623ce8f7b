# Two ways to run a model, value by value: levels, threads, rewrites, another file, stored values; a perturbed one is named.
M=$DATA/onnx-ok
show() { run "$@" | sed 's|[0-9]\.[0-9]*e[-+][0-9]*|#|g; s|[01]\.[0-9]\{7\}  *[-0-9.]*  |# |'; }
echo '# the same twice'
run fovea compare "$M/attention.onnx" cpu:c cpu:fp32:c:t2
echo '# without rewrites: names mean the same before and after'
show fovea compare "$M/conv_bn_silu_opset17.onnx" no-rewrite:c cpu:c
echo '# stored values'
run fovea exec "$M/attention.onnx" --seed 3 --all-values -o stored
run fovea compare "$M/attention.onnx" cpu stored --seed 3 --quiet --tolerance 0 --json -
echo '# two of them are wrong: the first and the worst are named'
perturb() { # the last element becomes a large number
    size=$(wc -c <"stored/$1.npy")
    printf "$2" | dd of="stored/$1.npy" bs=1 seek=$((size - 1)) conv=notrunc 2>/dev/null
}
perturb sm '\101'
perturb p '\105'
show fovea compare "$M/attention.onnx" cpu stored --seed 3 --json diff.json
sed 's/"values".*//; s/"[a-z_]*":[-0-9.e+]*[0-9]\.[0-9e+-]*,//g' diff.json | head -n 1
show fovea compare "$M/attention.onnx" stored cpu --seed 3 --quiet
echo '# not a number, on one side'
printf '\177' | dd of=stored/sm.npy bs=1 seek=$(($(wc -c <stored/sm.npy) - 1)) conv=notrunc 2>/dev/null
printf '\300' | dd of=stored/sm.npy bs=1 seek=$(($(wc -c <stored/sm.npy) - 2)) conv=notrunc 2>/dev/null
show fovea compare "$M/attention.onnx" cpu stored --seed 3 | grep 'first\|worst\|NaN' | sed 's/inf  *inf/inf inf/'
echo '# a tolerance that lets the others pass'
run fovea exec "$M/attention.onnx" --seed 3 --all-values -o stored --overwrite --quiet
perturb p '\105'
run fovea compare "$M/attention.onnx" cpu stored --seed 3 --quiet --tolerance 1e9
echo '# another file'
run fovea compare "$M/attention.onnx" cpu "cpu:$M/attention.onnx" --quiet
echo '# usage'
run fovea compare "$M/attention.onnx" cpu
run fovea compare "$M/attention.onnx" cpu:avx3 cpu
run fovea compare "$M/attention.onnx" cpu:c:avx2 cpu
run fovea compare "$M/attention.onnx" stored stored
show fovea compare "$M/attention.onnx" cpu stored | tail -n 4
run fovea compare "$M/attention.onnx" cpu cuda
run fovea compare "$M/attention.onnx" cpu t0
run fovea compare "$M/attention.onnx" cpu cpu --image nope.jpg --input x=y.npy
run fovea compare nope.onnx cpu cpu
