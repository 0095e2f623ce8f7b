# Pictures to tensors: formats, types, fits, pictures that fail, what is refused before work starts.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
picture() { { printf 'P6 %d %d 255\n' $2 $3; head -c $(($2 * $3 * 3)) /dev/zero | tr '\0' "$4"; } >"$1"; }
mkdir in
picture in/a.ppm 64 32 '\200'
picture in/b.ppm 30 60 '\100'
picture in/c.ppm 64 32 '\001'
quiet() { "$@" 2>&1 | grep -v '^Speed:'; }
head_of() { head -c 128 "$1" | tr -d '\0' | sed 's/.*NUMPY//; s/^[^{]*//; s/ *$//'; }
echo '# a batch'
quiet fovea prep in -o b.npy --size 8x4 --dtype u8
head_of b.npy
tail -c 288 b.npy | od -An -v -tu1 -w96 | awk '{print $1, $96}'
quiet fovea prep in/a.ppm in/c.ppm -o f.npy --size 2 --layout nhwc --mean 0,0,0 --std 1,1,1 --strategy scaled
head_of f.npy
tail -c 96 f.npy | od -An -v -tfF -w48 | awk '{print $1, $12}'
echo '# other formats'
quiet fovea prep in -o b.safetensors --size 8x4 --dtype bf16 --fit letterbox
head -c 200 b.safetensors | tail -c 192 | tr -d '\0' | sed 's/ .*//' | head -c 90; echo
quiet fovea prep in -o b.npz --size 8x4 --dtype u8
od -An -c -N 4 b.npz
quiet fovea prep in -o b.raw --size 8x4 --dtype u8
wc -c <b.raw | tr -d ' '
cmp b.raw b.npy 2>/dev/null | wc -l | tr -d ' '
tail -c 288 b.npy | cmp - b.raw && echo the same bytes
echo '# sizes of their own'
quiet fovea prep in -o m.safetensors --size 28 --fit multiple:14 --dtype u8
head -c 400 m.safetensors | tail -c 392 | tr -d '\0' | sed 's/ .*//' | tr '}' '\n' | head -3
run fovea prep in -o m.npy --size 28 --fit multiple:14
quiet fovea prep in/a.ppm in/c.ppm -o same.npy --size 28 --fit multiple:14 --bound upper --dtype u8
echo '# failures'
echo 'no picture' >in/bad.jpg
run fovea prep in nothere.png -o s.npy --size 4 --dtype u8 --quiet --json s.json
sed 's/"images_per_second":[0-9.]*/"images_per_second":0/; s/"stages_ms".*/.../' s.json
head_of s.npy
run fovea prep in -o z.npy --size 4 --dtype u8 --quiet --on-error zero
head_of z.npy
tail -c 144 z.npy | od -An -v -tu1 -w48 | awk '{print $1}'
run fovea prep in -o n.npy --size 4 --quiet --on-error stop
run fovea prep in/bad.jpg -o n.npy --size 4 --quiet
run fovea prep in/a.ppm -o n.npy --size 4 --quiet --max-pixels 100
run fovea prep in/a.ppm -o n.npy --size 4 --quiet --max-memory 20K
ls n.npy* 2>&1 | sed 's/.*: //'
echo '# refused'
run fovea prep in
run fovea prep in/a.ppm -o b.npy
run fovea prep in/a.ppm -o x.npy --size 0
run fovea prep in/a.ppm -o x.npy --size 4x
run fovea prep in/a.ppm -o x.npy --fit multiple:0
run fovea prep in/a.ppm -o x.npy --fit round
run fovea prep in/a.ppm -o x.npy --mean 0,0,0
run fovea prep in/a.ppm -o x.npy --mean 0,0 --std 1,1,1
run fovea prep in/a.ppm -o x.npy --mean 0,0,0 --std 1,0,1
run fovea prep in/a.ppm -o x.npy --dtype bf16
run fovea prep in/a.ppm -o x.npy --filter area --no-antialias
run fovea prep in/a.ppm -o x.npy --bound upper
run fovea prep in/a.ppm -o x.npy --max-memory lots
run fovea prep in/a.ppm -o x.npy --strategy gpu
run fovea prep in/a.ppm -o no/such/folder/x.npy
