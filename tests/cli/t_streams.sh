# What a video has besides pictures: all audio tracks, subtitles, chapters, metadata, uneven stamps, rotation, odd sizes; and what
# cannot be kept is named. Made and looked at with the ffmpeg program.
fovea --version | grep -q 'media yes' || { echo "built without media"; exit 77; }
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || { echo "no ffmpeg program"; exit 77; }
make() { ffmpeg -v error -nostdin -y "$@"; }
look() { # what matters of the streams of a file, one a line
    ffprobe -v error -show_entries stream=codec_type,codec_name,width,height,sample_aspect_ratio,color_space,color_range:stream_tags=language:stream_side_data=rotation \
        -of compact=p=0:nk=0 "$1" | grep -v '^$' | sed 's/|*$//; s/codec_name=//; s/codec_type=//; s/|width=N.A|height=N.A//; s/|tag:language=und//'
    ffprobe -v error -show_entries format_tags=title,artist -of default=nk=1:nw=1 "$1"
    ffprobe -v error -show_chapters -of compact=p=0 "$1" | sed 's/.*start_time=\([0-9.]*\).*end_time=\([0-9.]*\).*tag:title=\(.*\)/chapter \1 \2 \3/'
}
stamps() { ffprobe -v error -select_streams v:0 -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d , | sort -n | tr '\n' ' '; echo; }
printf '1\n00:00:00,100 --> 00:00:00,900\nhello\n' >s.srt
printf ';FFMETADATA1\ntitle=Yard\nartist=Nobody\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=one\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1000\ntitle=two\n' >m.txt
make -f lavfi -i testsrc=s=127x63:r=10:d=1 -f lavfi -i sine=d=1 -f lavfi -i sine=f=880:d=1 -i s.srt -f ffmetadata -i m.txt -map 0:v -map 1:a -map 2:a -map 3:s -map_metadata 4 -map_chapters 4 \
    -c:v ffv1 -pix_fmt yuv444p -c:a:0 aac -c:a:1 ac3 -c:s srt -metadata:s:a:0 language=deu -metadata:s:a:1 language=fra -metadata:s:s:0 language=eng in.mkv
run fovea predict in.mkv --device null --quiet -o same.mkv
look same.mkv
run fovea predict in.mkv --device null --quiet -o other.mp4
look other.mp4
make -f lavfi -i testsrc=s=64x48:r=10:d=1 -f lavfi -i testsrc2=s=32x32:r=10:d=1 -i s.srt -map 0 -map 1 -map 2 -c:v libx264 -pix_fmt yuv420p -c:s mov_text two.mp4
run fovea predict two.mp4 --device null --quiet -o two.mkv
look two.mkv
make -f lavfi -i testsrc=s=64x48:r=10:d=1 -vf "setpts='if(lt(N,5),N,N*2-3)/10/TB',setsar=2" -fps_mode vfr -c:v libx264 -pix_fmt yuv420p -colorspace bt709 -color_range tv uneven.mp4
stamps uneven.mp4
make -display_rotation 90 -i uneven.mp4 -c copy turned.mp4 2>/dev/null || make -i uneven.mp4 -c copy -metadata:s:v:0 rotate=270 turned.mp4
run fovea predict turned.mp4 --device null --quiet -o up.mp4
look up.mp4
stamps up.mp4
