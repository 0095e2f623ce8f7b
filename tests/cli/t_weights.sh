# Weights that change while a film runs: the frames before have the boxes of the old ones, those behind of the new ones, none is lost. Output that nobody
# reads holds the run, so that the moment is known.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_fixed.onnx
{ echo FRAME; head -c 2048 /dev/zero | tr '\0' '\377'; head -c 1024 /dev/zero | tr '\0' '\200'; } >f1
cat f1 f1 f1 f1 f1 f1 f1 f1 f1 f1 >f10; cat f10 f10 f10 f10 f10 f10 f10 f10 f10 f10 >f100
{ echo 'YUV4MPEG2 W64 H32 F10:1 Ip A1:1 C420jpeg'; cat f100 f100 f100 f100 f100 f100 f100 f100 f100 f100 f100 f100 f100 f100 f100; } >v.y4m
cp "$tiny" other.onnx; printf '\040' | dd of=other.onnx bs=1 seek=776 conv=notrunc 2>/dev/null # the box is elsewhere
boxes() { grep '"box"' | sed 's/.*"box":\(\[[^]]*\]\).*/\1/' | uniq -c | sed 's/^ *[0-9]* /frames with /'; }
wait_for() { i=0; while ! grep -q "$1" err; do sleep 0.1; i=$((i + 1)); [ $i -lt 300 ] || { echo "no '$1'"; cat err; exit 1; }; done; }

cp "$tiny" w.onnx; mkfifo out
fovea count v.y4m --line a=0.5,0,0.5,1 --model "$tiny" --watch-weights w.onnx --json - --progress none >out 2>err &
exec 3<out
for i in 1 2 3 4 5 6 7 8 9 10; do read -r line <&3; echo "$line"; done >lines
echo '--- another graph, and half a file: the weights stay'
cp "$DATA/onnx-ok/gemm.onnx" x && mv x w.onnx; wait_for 'stay as they are'
head -c 300 other.onnx >x && mv x w.onnx; i=0; while [ "$(grep -c 'stay as they are' err)" != 2 ]; do sleep 0.1; i=$((i + 1)); [ $i -lt 300 ] || break; done
grep warning err
echo '--- other weights of the same graph'
cp other.onnx x && mv x w.onnx; wait_for 'from the next frame on'
cat <&3 >>lines
wait $!; echo "=> $?"
sed -n 's/(read in.*packed in.*)/(T)/p' err
wc -l <lines
boxes <lines
sed -n 's/.*"frame":\([0-9]*\).*/\1/p' lines | sort -n -c && echo "in order"
echo '--- what it cannot go with'
run fovea count v.y4m --device null --line a=0.5,0,0.5,1 --watch-weights w.onnx
run fovea count v.y4m --model "$tiny" --line a=0.5,0,0.5,1 --watch-weights ''
run fovea count --replay lines --line a=0.5,0,0.5,1 --watch-weights w.onnx
