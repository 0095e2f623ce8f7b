# --tiles and its fellows: what is refused, and with what words. (What tiles find: unit tests of flow and bench/tiles.py.)
bad() { run fovea predict x.jpg "$@"; }
bad --tiles big
bad --tiles 0x4
bad --tiles 8x640
bad --tiles 8x4x2
bad --tiles auto --overlap-width-ratio 1
bad --tiles auto --overlap-height-ratio -0.1
bad --tiles auto --slice-width 32
bad --tiles 8x4 --slice-width 640
bad --tiles auto --postprocess-type LSNMS
bad --tiles auto --postprocess-match-metric GIOU
bad --tiles auto --tile-groups 0
bad --tiles auto --tile-groups many
bad --overlap-width-ratio 0.3
bad --tiles none --no-standard-prediction
printf 'tiles: huge\n' >c.yaml
bad --config c.yaml
printf 'tiles: auto\noverlap_width_ratio: 1\n' >c.yaml
bad --config c.yaml
printf 'tiles: auto\n\ntile_groups: some\n' >c.yaml
bad --config c.yaml
