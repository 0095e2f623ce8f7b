# Names in files and models are hostile: terminal escapes, HTML, quotes, line breaks, bytes that are no text, very long ones.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
tiny=$DATA/../unit/flow/tiny_fixed.onnx
e=$(printf '\033[31m')
b=$(printf '\377')
mkdir in
picture() { { printf 'P6 64 32 255\n' && head -c 6144 /dev/zero | tr '\0' '\377'; } >"$1"; }
picture "in/a$e<b>\"q\",$b.ppm"
picture "in/n
l.ppm"
printf 'cat\n%s<i>d"%s, x%s\n' "$e" "$b" "$(head -c 300 /dev/zero | tr '\0' l)" >names.txt
plain() { cut -c1-200 | cat -v; }
fovea predict in --model "$tiny" --names names.txt --csv c.csv --json j.jsonl --report r.html --run r.json --save-crop crops --save-txt t -o out >said 2>/dev/null
echo "=> $?"
plain <said | grep -v '^Speed\|^Latency'
plain <j.jsonl
plain <c.csv
ls crops | plain
grep -cF -e "$e" -e "<i>d" -e "<b>\"" r.html r.json j.jsonl
for f in c.csv j.jsonl r.html r.json said; do iconv -f UTF-8 -t UTF-8 $f >/dev/null || echo "$f is no UTF-8"; done
echo '# a name as long as a name may be'
long=$(head -c 250 /dev/zero | tr '\0' n).ppm
picture "$long"
fovea predict "$long" --model "$tiny" --save-crop crops2 --save-txt t2 -o out2 --quiet
echo "=> $?"
ls crops2/dog t2 out2 | wc -c
echo '# more or fewer names than classes'
echo one >one.txt
fovea predict "$long" --model "$tiny" --quiet --names one.txt --summary -
