# The built-in models that are no detectors.
[ "$(fovea doctor | grep -cE '^(models)? +(mark|fill) ')" = 2 ] || { echo "built without them"; exit 77; }
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
{ printf 'P6 64 32 255\n'; head -c 6144 /dev/zero | tr '\0' '\200'; } >gray.ppm
for m in mark fill; do
    fovea inspect "$m" | sed -n '/^file/p; /^graph/p; /^inputs/,/^outputs/p'
    fovea inspect "$m" | grep -c '^steps .*GFLOP'
    fovea inspect "$m" --metadata | grep '^task\|^license'
done
run fovea exec fill --seed 1 --shapes image:2x3x32x48 --shapes mask:2x1x32x48 -o out
fovea predict gray.ppm --model mark --conf 0.9 --imgsz 64 2>&1 | sed -n 's/, cpu .*//; /built in/p'
run fovea exec mark --seed 1 --shapes 1x3x64x64 -o out
