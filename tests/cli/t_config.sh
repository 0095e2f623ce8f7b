# Mistakes in --config name the file and the line of the key or value itself; flags of lines and zones say what they miss.
conf() { printf '%b' "$1" >c.yaml; run fovea count v.mp4 --config c.yaml; }
conf 'model: m.onnx\nlins: []\n'
conf 'conf: 0.2\n\nlines:\n  - name: door\n    pints: [[0, 0.5], [1, 0.5]]\n'
conf 'zones:\n  - name: hall\n    points: [[0, 0], [1, 0], [1, 1]]\n    colour: red\n'
conf 'conf: 3\n'
conf 'vid_stride: 1.5\n'
conf 'conf: often\n'
conf 'policy: all\n'
conf 'conf: 0.1\nconf: 0.2\n'
conf 'lines:\n  - name: a\n    points: [[1, 2]]\n'
conf 'zones:\n  - name: a\n    points: [[1, 2], [3, 4]]\n'
conf 'lines:\n  - name: a\n    points: [[1, 2], [3, 4, 5]]\n'
conf 'lines:\n  - name: a\n    points:\n      - [1, 2]\n      - [3, x]\n'
conf 'lines:\n  - points: [[1, 2], [3, 4]]\n'
conf 'lines:\n  - name: a\n'
conf 'lines: 3\n'
conf 'lines: &a\n  - *a\n'
conf 'a: [1\nb: }\n'
conf '- 1\n'
conf 'tracker:\n  type: ocsort\n  track_hihg_thresh: 0.5\n'
conf 'tracker:\n  type: deepsort\n'
conf 'tracker: {track_buffer: 2}\ntrack_buffer: 1\n'
conf 'tracker: {type: ocsort, match_thresh: 1.5}\n'
conf 'tracker: {match_thresh: [0.5]}\n'
conf 'tracker: [bytetrack, ocsort]\n'
conf ''
conf 'lines:\n  - {name: a, points: [[1, 2], [3, 4]], anchor: nose}\n'
conf 'conf: 0.2\nimgsz: 7\n'
conf 'conf: 0.2\n\nanchor: nose\nlines: [{name: a, points: [[1, 2], [3, 4]]}]\n'
conf 'lines:\n  - {name: a, points: [[1, 2], [3, 4]]}\n  - {name: a, points: [[1, 2], [3, 5]]}\n'
conf 'lines:\n  - {name: a, points: [[1, 2], [1, 2]]}\n'
conf 'zones:\n  - {name: bow, points: [[0, 0], [1, 1], [1, 0], [0, 1]]}\n'
conf 'zones:\n  - {name: flat, points: [[0, 0], [1, 1], [0.5, 0.5]]}\n'
conf 'conf: 0.2\n---\nlines: []\n'
run fovea count v.mp4 --config nothing.yaml
run fovea count v.mp4
run fovea count v.mp4 --line door
run fovea count v.mp4 --line door=1,2,3
run fovea count v.mp4 --line door=1,2,3,x
run fovea count v.mp4 --line door=1,2,3,nan
run fovea count v.mp4 --line =1,2,3,4
run fovea count v.mp4 --zone hall=1,2,3,4
run fovea count v.mp4 --line door=1,2,3,1e7
run fovea count v.mp4 --line door=1,2,1,2
run fovea count v.mp4 --zone bow=0,0,100,100,100,0,0,100
run fovea count v.mp4 --zone flat=5,5,5,5,5,5
run fovea count v.mp4 --line a=1,2,3,4 --line a=5,6,7,8
run fovea count v.mp4 --line a=1,2,3,4 --anchor nose
run fovea count v.mp4 --line a=1,2,3,4 --tracker deepsort
fovea count v.mp4 $(seq 257 | sed 's|.*|--line l&=1,2,3,&|')
{ echo zones:; seq 257 | sed 's|.*|  - {name: z&, points: [[1, 2], [3, 4], [5, &]]}|'; } >c.yaml
run fovea count v.mp4 --config c.yaml
run fovea predict v.mp4 --imgsz 10x10
run fovea predict v.mp4 --imgsz 640x
