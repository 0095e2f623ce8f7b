# A video made here (y4m), through track and count: files, order, accounts, a cut end, Ctrl-C.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_fixed.onnx
{
    echo 'YUV4MPEG2 W64 H32 F10:1 Ip A1:1 C420jpeg'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        echo FRAME
        head -c 2048 /dev/zero | tr '\0' '\377'
        head -c 1024 /dev/zero | tr '\0' '\200'
    done
} >v.y4m
quiet() { "$@" 2>&1 | grep -v '^Speed:\|: YOLOv8/' | sed 's/^Latency: .*Frames/Frames/' ; }
echo '# track'
quiet fovea track v.y4m --model "$tiny" -o t.mp4 --json t.jsonl --mot t.txt --run t.json --report t.html
wc -l <t.jsonl
sed -n 12p t.jsonl
tail -n 1 t.txt
grep -c '"type": "run"' t.json
[ -s t.mp4 ] && [ -s t.html ] && echo written
quiet fovea predict t.mp4 --model "$tiny" --conf 0.9
echo '# count with a zone around everything'
quiet fovea count v.y4m --model "$tiny" --zone all=0,0,1,0,1,1,0,1 --interval 0.5 --summary c.json --events c.jsonl
cat c.json c.jsonl
echo '# no model: the frame road alone'
quiet fovea count v.y4m --device null --line a=0.5,0,0.5,1 -o null.mp4 --json null.jsonl --run null.json
wc -l <null.jsonl
grep -c '"device": "null"' null.json
[ -s null.mp4 ] && echo written
quiet fovea count v.y4m --device null --line a=0.5,0,0.5,1 --classes person
echo '# a zone may be closed by hand'
quiet fovea count v.y4m --device null --zone closed=0,0,9,0,9,9,0,9,0,0
echo '# every third frame, in batches'
quiet fovea track v.y4m --model "$tiny" --vid-stride 3 --batch 2
echo '# streams, and every box computed: the same bytes'
fovea track v.y4m --model "$tiny" --threads 3 --json s1.jsonl --mot s1.txt --quiet
fovea track v.y4m --model "$tiny" --threads 3 --streams 3 --json s3.jsonl --mot s3.txt --quiet
fovea track v.y4m --model "$tiny" --full-head --json sf.jsonl --mot sf.txt --quiet
cmp s1.jsonl s3.jsonl && cmp s1.txt s3.txt && cmp s1.jsonl sf.jsonl && cmp s1.txt sf.txt && wc -l <s3.jsonl
run fovea track v.y4m --model "$tiny" --threads 2 --streams 3
echo '# the end is missing: what is there is done, the other input too'
{
    head -n 1 v.y4m
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo FRAME; head -c 3072 /dev/urandom; done
} >noise.y4m
fovea predict noise.y4m --model "$tiny" -o whole.mkv --crf 1 --preset:v ultrafast --quiet
head -c $(($(wc -c <whole.mkv) * 3 / 4)) whole.mkv >cut.mkv
fovea track cut.mkv v.y4m --model "$tiny" --quiet -o both 2>why
echo "=> $?"
grep -c 'cut.mkv: .*what came before was processed' why
ls both
echo '# Matroska on stdout'
fovea track v.y4m --model "$tiny" -o - 2>talk | fovea predict - --model "$tiny" --conf 0.9 2>&1 | grep Found
grep -c Speed talk
