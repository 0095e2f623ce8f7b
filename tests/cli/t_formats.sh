# COCO results, labels with confidence, heat map, sums of an interval by class: from a replay, so that every number is known.
line() { printf '{"source":"%s","frame":%d,"pts":%s,"width":400,"height":200,"detections":[%s]}\n' "$@"; }
p() { printf '{"class_id":0,"label":"person","confidence":0.75,"box":[80,%d,120,%d],"track_id":1}' "$1" $(($1 + 80)); }
dog='{"class_id":1,"label":"dog","confidence":0.5,"box":[300,50,340.5,90.25],"track_id":2}'
for f in 0 1 2 3 4 5; do line a.mp4 $f $f "$(p $((10 * f))),$dog"; done >a.jsonl
run fovea track --replay a.jsonl --coco - --quiet --classes dog
printf '{"images":[{"id":7,"file_name":"x/a.jpg"}],"categories":[{"id":18,"name":"dog"},{"id":1,"name":"person"}]}' >gt.json
run fovea track --replay a.jsonl --coco c.json --coco-gt gt.json --quiet
cat c.json
run fovea track --replay a.jsonl --coco c.json --coco-gt a.jsonl --quiet --overwrite
run fovea track --replay a.jsonl --coco c.json --coco-gt none.json --quiet --overwrite
run fovea track --replay a.jsonl --coco gt.json --coco-gt gt.json --quiet --overwrite
run fovea track --replay a.jsonl --coco out/c.json
run fovea track --replay a.jsonl --save-txt labels --save-conf --quiet
cat labels/a_2.txt
run fovea track --replay a.jsonl --save-txt labels --quiet --overwrite
cat labels/a_2.txt
run fovea count --replay a.jsonl --line gate=0,0.6,1,0.6 --interval 4 --summary - --quiet
run fovea track --replay a.jsonl --heatmap heat.npy --quiet
head -c 128 heat.npy | tr -d '\n\0' | sed 's/^[^{]*//; s/ *$//'
echo
tail -c +129 heat.npy | od -An -tf4 -w4 -v | awk '$1 > 0 { print NR - 1, $1 }'
run fovea track --replay a.jsonl --heatmap heat.gif
run fovea track --replay a.jsonl --heatmap heat.npy
run fovea track --replay a.jsonl --heatmap heat.npy --overwrite --quiet
