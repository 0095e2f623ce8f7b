# Outputs that collide, that would destroy what the run reads, or that stop taking data: refused before work, or nothing lost.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_fixed.onnx
cp "$tiny" my.onnx
head='YUV4MPEG2 W64 H32 F10:1 Ip A1:1 C420jpeg'
for i in 1 2 3 4 5 6 7 8; do
    echo FRAME
    head -c 2048 /dev/zero | tr '\0' '\377'
    head -c 1024 /dev/zero | tr '\0' '\200'
done >frames
{ echo "$head" && cat frames; } >v.y4m
mkdir d
quiet() { "$@" 2>&1 | grep -v '^Speed:\|^Latency:\|: YOLOv8/' ; }
echo '# what is read is not overwritten'
run fovea track v.y4m --model my.onnx --json my.onnx --overwrite
run fovea track v.y4m --model d/../my.onnx --csv ./my.onnx --overwrite
echo cat >names.txt
run fovea track v.y4m --model my.onnx --names names.txt --mot names.txt --overwrite
run fovea bench my.onnx --json my.onnx --overwrite
cmp my.onnx "$tiny" && echo same
fovea track v.y4m --model my.onnx --quiet --run run.json
run fovea report run.json -o run.json --overwrite
echo '# two outputs, one file'
run fovea track v.y4m --model my.onnx --json f --csv ./f
run fovea track v.y4m --model my.onnx -o d/f.mp4 --json d/../d/f.mp4
run fovea track v.y4m --model my.onnx --quiet --json /dev/null --csv /dev/null
echo '# names that nobody means as a directory'
run fovea track v.y4m --model my.onnx -o x.gif
run fovea track v.y4m --model my.onnx -o ''
ls
echo '# no room: one sentence, and the rest is done'
run fovea track v.y4m --model my.onnx --quiet --json /dev/full
run fovea track v.y4m --model my.onnx --quiet --csv /dev/full
fovea track v.y4m --model my.onnx --quiet --json - 2>why >/dev/full
echo "=> $?"
cat why
fovea track v.y4m --model my.onnx 2>why >/dev/full
echo "=> $?"
grep stdout why
# the reader of more JSON than a pipe holds goes away after a line; annotated video, events and summary are kept
{ echo "$head" && for i in $(seq 100); do cat frames; done; } >long.y4m
{
    fovea count long.y4m --model my.onnx --line l=0,0,1,1 --quiet --json - -o kept.mp4 --summary kept.json --events kept.jsonl 2>why
    echo $? >code
} | head -n 1 >one
cat why
[ "$(cat code)" = 7 ] && [ -s kept.mp4 ] && [ -s kept.json ] && echo kept
quiet fovea predict kept.mp4 --model my.onnx --conf 0.9
echo '# a limit on file sizes is an error like a full disk'
sh -c 'ulimit -f 4; exec fovea track long.y4m --model my.onnx --quiet --json limited.jsonl' 2>why
echo "=> $?"
cat why
echo '# models that are no files'
run fovea predict v.y4m --model d
run fovea predict v.y4m --model /dev/null
run fovea predict v.y4m --model my.onnx --names /dev/zero
run fovea exec my.onnx --input images=/dev/zero -o d
