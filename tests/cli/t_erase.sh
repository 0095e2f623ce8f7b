# A box on grounds of changing grey (y4m made here): erase, what is kept, refusals, going on after a stop.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
gray() { head -c "$1" /dev/zero | tr '\0' "$2"; } # $2 is an octal escape
ground() { case $(($1 % 4)) in 0) echo '\120' ;; 1) echo '\140' ;; 2) echo '\200' ;; 3) echo '\240' ;; esac; }
marked() { case $(($1 % 4)) in 0) echo '\235' ;; 1) echo '\245' ;; 2) echo '\265' ;; 3) echo '\305' ;; esac; } # half way to 235
{
    echo 'YUV4MPEG2 W96 H64 F10:1 Ip A1:1 C420jpeg'
    i=0
    while [ $i -lt 24 ]; do
        { gray 40 "$(ground $i)"; gray 16 "$(marked $i)"; gray 40 "$(ground $i)"; } >row
        echo FRAME
        gray 2304 "$(ground $i)"
        cat row row row row row row row row row row row row row row row row
        gray 2304 "$(ground $i)"
        gray 3072 '\200'
        i=$((i + 1))
    done
} >v.y4m
quiet() { "$@" 2>&1 | grep -v '^time ' ; }
echo '# the box is found in a larger region and undone'
quiet fovea erase v.y4m -o out.mkv --region 36,20,24,24 --crf 10 --json r.json
grep -o '"frames":24,"changed":24,"resumed":0,"flash":0' r.json
ls -A
echo '# the same in segments, from a journal and without: the same packets'
fovea erase v.y4m -o seg.mp4 --region 36,20,24,24 --crf 10 --segment 7 --quiet
fovea erase v.y4m -o again.mp4 --region 36,20,24,24 --crf 10 --segment 7 --resume --quiet
cmp seg.mp4 again.mp4 && echo same
echo '# nothing there'
run fovea erase v.y4m -o none.mkv --region 4,4,20,12
run fovea erase v.y4m -o none.mkv --region 4,4,20,12 --copy
cmp v.y4m none.mkv && echo copied
echo '# refused'
run fovea erase v.y4m -o v.y4m --region 36,20,24,24 --overwrite
run fovea erase v.y4m -o out.mkv --region 36,20,24,24
run fovea erase v.y4m -o x.mkv --region 36,20
run fovea erase v.y4m -o x.mkv --region 360,20,24,24
run fovea erase v.y4m -o x.mkv --region 0,0,96,64
run fovea erase v.y4m -o x.txt --region 36,20,24,24
run fovea erase v.y4m -o x.mkv --region 36,20,24,24 --c:v nosuch
run fovea erase missing.mp4 -o x.mkv --region 36,20,24,24
run fovea erase v.y4m --region 36,20,24,24
head -c 3000 v.y4m >row.y4m
printf 'P5 8 8 255\n%064d' 0 >mask.pgm
run fovea erase v.y4m -o x.mkv --mask mask.pgm
ls -A
