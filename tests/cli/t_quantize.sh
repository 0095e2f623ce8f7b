# Quantising on tensors (no media needed): what is written runs; caches, gates and whatever cannot be used say so in a sentence.
M=$DATA/quantize/tiny.onnx
mkdir t none bad
for i in 1 2 3 4; do
    { printf '\223NUMPY\1\0v\0' && printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 32, 32), }"
      for k in 0 1 2 3 4 5 6 7; do # 0.5 and 0.25 in turns that differ
          awk -v s=$i$k 'BEGIN { for (i = 0; i < 384; i++) { s = (s * 75 + 74) % 65537; printf "%s", s % 3 ? "\\0\\0\\0\\077" : "\\0\\0\\0200\\076" } }' | { read -r text; printf '%b' "$text"; }
      done; } >t/$i.npy
done
run fovea quantize $M
run fovea quantize $M --data t
run fovea quantize missing.onnx --data t -o q.onnx
run fovea quantize $M --data t -o q.onnx --cache q.calib --quiet
run fovea quantize $M --data t -o q.onnx --cache q.calib --quiet
run fovea quantize $M --data t -o q2.onnx --cache q.calib --json q.json | sed -n '/^int8/s/[0-9.]* *$//p; /layers/p; /float/p'
cmp q.onnx q2.onnx && echo the same from the cache
sed 's/"sqnr_db":[0-9.]*//g; s/"m[inax]*":[-0-9.]*//g; s/"bytes":[0-9]*//g; s/"observer":"[a-z]*"//' q.json
run fovea exec q.onnx --input images=t/1.npy -o out
fovea compare $M cpu q.onnx --input images=t/1.npy --tolerance 0.2 --quiet && echo close
run fovea quantize q.onnx --data t -o q3.onnx
run fovea quantize $M --data t --limit 2 -o q2.onnx --cache q.calib --overwrite --quiet
run fovea quantize $M --data t -o q2.onnx --symmetric --cache q.calib --overwrite --quiet
echo damaged >>q.calib
run fovea quantize $M --data t -o q2.onnx --cache q.calib --overwrite | head -n 1
run fovea quantize $M --data t -o q2.onnx --float neck --float nobody --overwrite --quiet
echo nothing >bad/1.npy
run fovea quantize $M --data bad -o q4.onnx
cp bad/1.npy t/0.npy
run fovea quantize $M --data t -o q4.onnx --quiet
ls q*.onnx
run fovea quantize $M --precision fp16 -o h.onnx | sed 's/outputs [0-9.]* dB and at most [0-9.e-]* of/outputs N dB and at most N of/; /^fp/s/[0-9.]* *$//'
fovea compare $M cpu h.onnx --input images=t/1.npy --tolerance 0.01 --quiet && echo close
run fovea quantize $M --precision bf16 --data t --weight-max 0.001 -o h2.onnx --quiet
run fovea quantize $M --precision fp16 --keep-type Nothing -o h2.onnx --quiet
run fovea quantize $M --precision fp32 -o h2.onnx
run fovea quantize $M --precision fp8 -o h2.onnx
run fovea exec $M --precision int8 -o out --seed 1
run fovea inspect q.onnx --precision auto | sed -n '/^precision/p'
run fovea inspect $M --precision auto --cpu c | sed -n '/^precision/p'
rm t/0.npy
run fovea exec $M --calib t -o auto --seed 1 --cpu c
run fovea exec $M --calib t --precision int8 -o first --seed 1
run fovea exec $M --calib t --precision int8 -o second --seed 1
cmp first/output0.npy second/output0.npy && echo the same
fovea quantize $M --data t -o q5.onnx --quiet 2>/dev/null && fovea exec q5.onnx -o file --seed 1 --quiet && cmp first/output0.npy file/output0.npy && echo as the file
fovea quantize $M --data t -o q6.onnx --cache q6.calib --quiet 2>/dev/null
run fovea exec $M --calib q6.calib --precision int8 -o third --seed 1
cmp first/output0.npy third/output0.npy && echo the same
run fovea exec $M --calib t --precision bf16 -o out4 --seed 1
run fovea exec q5.onnx --calib t -o out5 --seed 1
