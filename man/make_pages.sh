#!/bin/sh
# Manual pages of the verbs, and the completions of the shells, from the program that was just built.
# Usage: make_pages.sh FOVEA OUT: OUT/man/fovea{,-VERB}.1, OUT/completions/{bash,zsh,fish}/...
set -eu
fovea=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$out/man" "$out/completions"
mkdir -p "$out/man" "$out/completions/bash" "$out/completions/zsh" "$out/completions/fish"
"$fovea" completion tables >"$out/man/tables"
awk -f "$here/pages.awk" -v out="$out/man" -v date="$(sed -n 's/^\.Dd //p' "$here/fovea.1.in")" "$out/man/tables"
{ sed -n 's/^verb\t\([^\t]*\).*/fovea-\1/p' "$out/man/tables" && echo ffmpeg; } | LC_ALL=C sort | sed 's/-/\\-/; s/.*/.Xr & 1 ,/' >"$out/man/pages"
sed -n 's/-/\\-/g; s/^verb\t\([^\t]*\)\t\(.*\)/.It Cm \1\n\2/p' "$out/man/tables" >"$out/man/verbs"
sed -e "/^@VERBS@$/{r $out/man/verbs
d}" -e "/^@PAGES@$/{r $out/man/pages
d}" "$here/fovea.1.in" >"$out/man/fovea.1"
rm "$out/man/pages" "$out/man/verbs"
rm "$out/man/tables"
"$fovea" completion bash >"$out/completions/bash/fovea"
"$fovea" completion zsh >"$out/completions/zsh/_fovea"
"$fovea" completion fish >"$out/completions/fish/fovea.fish"
