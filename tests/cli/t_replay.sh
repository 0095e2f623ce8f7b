# Boxes from files: JSON lines and MOT text through counter and tracker without a model; what is missing or wrong is named.
walk() { # FRAMES: one person walks down through y = 200, another one stands; 10 frames a second
    for f in $(seq 0 $(($1 - 1))); do
        printf '{"source":"yard.mp4","frame":%d,"pts":%s,"width":400,"height":400,"detections":[{"class_id":2,"label":"person","confidence":0.9,"box":[80,%d,120,%d],"track_id":1},{"class_id":5,"label":"dog","confidence":0.5,"box":[300,50,340,90],"track_id":2}]}\n' \
            $f "$(awk "BEGIN { print $f / 10 }")" $((20 + 10 * f)) $((100 + 10 * f))
    done
}
walk 20 >walk.jsonl
run fovea count --replay walk.jsonl --line gate=0,0.5,1,0.5 --zone spot=290,40,350,40,350,100,290,100 --events - --summary s.json --mot walk.txt --csv walk.csv --quiet
sed 's|"wall_s":[^,]*|"wall_s":0|' s.json
head -n 3 walk.csv
head -n 3 walk.txt
cat seqinfo.ini
run fovea count --replay walk.txt --line gate=0,0.5,1,0.5 --summary - --quiet
run fovea count --replay - --line gate=0,0.5,1,0.5 --classes dog --summary - --quiet
walk 20 | fovea count --replay - --line gate=0,0.5,1,0.5 --classes dog --summary - --quiet
run fovea count --replay walk.jsonl --line gate=0,0.5,1,0.5 --classes cat,person --summary - --quiet
grep person walk.jsonl | sed 's|,"track_id":[0-9]*||g' >boxes.jsonl
run fovea count --replay boxes.jsonl --line gate=0,0.5,1,0.5 --events - --quiet --tracker ocsort
run fovea track --replay walk.txt --tracker ocsort --mot again.txt --quiet --overwrite
head -n 2 again.txt
ls
mkdir other
printf '1,-1,10,10,20,40,0.9\n2 -1 11 10 20 40 0.9\n5,-1,14,10,20,40,37.5,-1,-1,-1\n' >other/det.txt
run fovea track --replay other/det.txt --fps 30000/1001 --json - --quiet
printf '3,1,10,10,20,40,0,1,0.5\n2,7,10,10,20,40,1,1,0.5\n1,7,10,10,20,40,1,1,0.5\n' >other/gt.txt
run fovea count --replay other/gt.txt --size 100x100 --zone all=0,0,1,0,1,1,0,1 --events - --quiet
run fovea count --replay other/gt.txt --line a=0,0,1,1
run fovea count --replay other/gt.txt --line a=0,0,1,1 --size 100
run fovea count --replay other/gt.txt --line a=0,0,1,1 --size 100x100 --fps fast
run fovea count --replay other/gt.txt --line a=0,0,1,1 -o out.mp4
run fovea count clip.mp4 --replay other/gt.txt --line a=0,0,1,1
run fovea count --line a=0,0,1,1
run fovea count --replay nothing.txt --line a=0,0,1,1
printf '%s\n' '{"frame":0,"pts":0,"width":400,"height":400,"detections":[{"box":[80,180,120,195],"track_id":1}]}' \
    '{"frame":1,"pts":0.1,"width":400,"height":400,"detections":[{"box":[80,180,120,200.5],"track_id":1}]}' \
    '{"frame":2,"pts":0.2,"width":400,"height":400,"detections":[{"box":[80,180,120,190],"track_id":1}]}' >note.jsonl
run fovea count --replay note.jsonl --line gate=0,0.5,1,0.5 --events - --trace --quiet
run fovea count --replay note.jsonl --line gate=0,0.5,1,0.5 --events - --quiet
bad() { printf '%b' "$1" >bad.txt; run fovea count --replay bad.txt --size 100x100 --line a=0,0,1,1 --quiet; }
bad ''
bad '1,1,10,10,20\n'
bad '1,1,10,10,20,40,0.9\n0,1,10,10,20,40,0.9\n'
bad '1,1.5,10,10,20,40,0.9\n'
bad '1,1,10,10,nan,40,0.9\n'
bad '1,1,ten,10,20,40,0.9\n'
bad '{"frame":0}\n'
bad '{"frame":0,"pts":0,"width":10,"height":10,"detections":[{"box":[1,2,3]}]}\n'
bad '{"frame":0,"pts":0,"width":10,"height":10,"detections":[]}\n{"frame":1,\n'
bad '{"frame":0,"pts":0,"width":10,"height":10,"detections":[{"box":[1,2,3,4],"class_id":-1}]}\n'
run fovea count --replay walk.jsonl --line gate=0,0.5,1,0.5 --json walk.jsonl --overwrite
