# Ctrl-C and SIGTERM: what was read is finished and whole, also when the input is a pipe that says nothing more.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_fixed.onnx
{
    echo 'YUV4MPEG2 W64 H32 F10:1 Ip A1:1 C420jpeg'
    for i in 1 2 3 4 5 6 7 8; do echo FRAME && head -c 3072 /dev/zero | tr '\0' '\377'; done
} >v.y4m
lines() { cat "$1" 2>/dev/null | wc -l; }
# stop SIGNAL INPUT FLAG...: sends it when all frames are done and the pipe is silent
stop() {
    signal=$1 input=$2
    shift 2
    rm -f pipe out.mkv out.jsonl sum.json
    mkfifo pipe
    { cat v.y4m; exec sleep 60; } >pipe &
    writer=$!
    fovea count "$input" --model "$tiny" --line l=0,0,1,1 --quiet -o out.mkv --json out.jsonl --summary sum.json "$@" <pipe &
    reader=$!
    for i in $(seq 300); do [ "$(lines out.jsonl)" -ge 8 ] && break; sleep 0.1; done
    kill -s "$signal" $reader
    wait $reader
    echo "$signal: => $?"
    kill $writer
    lines out.jsonl
    grep -o '"decoded":[0-9]*,"processed":[0-9]*' sum.json
    fovea predict out.mkv --model "$tiny" --quiet --json - | lines /dev/stdin
    ls -A | grep part
}
stop INT -
stop TERM -
echo '# before there is anything'
mkfifo empty
sleep 60 >empty &
writer=$!
fovea count - --model "$tiny" --line l=0,0,1,1 -o none.mkv <empty &
reader=$!
sleep 0.5
kill -s INT $reader
wait $reader
echo "=> $?"
kill $writer
ls none.mkv 2>/dev/null
echo end
