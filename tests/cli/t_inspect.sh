# What a model is made of; numbers that depend on the machine are blanked.
M=$DATA/onnx-ok
steady() { sed 's/planned in [0-9.]* ms ([a-z0-9]*)/planned in N ms (LEVEL)/; s/^steps .*/steps      .../; s/^\(precision  fp32: \).*/\1REASON/'; }
fovea inspect "$M/attention.onnx" | steady
echo "--- mixed"
fovea inspect "$M/attention.onnx" --precision bf16 | sed -n '/^precision/,/^operators/p'
echo "--- symbolic"
fovea inspect "$M/symbolic_metadata.onnx" | steady
echo "--- graph"
fovea inspect "$M/conv_bn_silu_opset17.onnx" --graph
echo "--- rewritten"
fovea inspect "$M/conv_bn_silu_opset17.onnx" --rewritten
fovea inspect "$M/attention.onnx" --steps | grep -c '^ *[0-9]'
