#!/bin/sh
# The manual pages and completions that the build made: every flag of every `fovea VERB --help` is in the page and the other
# way round, nobody complains about the markup, and a shell completes from the scripts.
# Usage: pages.sh FOVEA BUILD_DIR SOURCE_DIR
set -u
fovea=$1 build=$2 root=$3
[ -f "$build/man/fovea.1" ] || { echo "no pages were made (cross-compiled)"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
wrong() { echo "$*"; failed=1; }

verbs=$("$fovea" help | sed -n 's/^  \([a-z]*\)  *.*/\1/p')
[ "$(echo "$verbs" | wc -l)" -ge 9 ] || wrong "only these verbs in 'fovea help':" $verbs
for verb in $verbs; do
    page=$build/man/fovea-$verb.1
    [ -f "$page" ] || { wrong "$verb has no manual page"; continue; }
    grep -qx ".It Cm $verb" "$build/man/fovea.1" || wrong "$verb is not in fovea.1"
    # names at the beginnings of lines of the help: "  -o, --output PATH  ..."; of the page: ".It Fl o , Fl \-output Ar PATH"
    "$fovea" "$verb" --help | sed -n 's/^  \(\(-[^ ,]*, \)\{0,1\}-[^ ]*\).*/\1/p' | tr -d ' ' | tr ',' '\n' | sort >"$tmp/help"
    sed -n 's/^\.It Fl //p' "$page" | sed 's/ Ar .*//; s/ , Fl /\n/g' | sed 's/\\-/-/g; s/^/-/' | sort >"$tmp/page"
    [ -s "$tmp/help" ] || wrong "$verb: --help lists no flag"
    diff "$tmp/help" "$tmp/page" >"$tmp/diff" || { wrong "$verb: --help (<) and manual page (>) differ:"; cat "$tmp/diff"; }
    "$fovea" "$verb" --help | sed -n '/^example$/,$p' | sed -n 's/^  //p' | grep -q "^fovea $verb" || wrong "$verb: --help has no example"
    # what the page says of a flag is what the help says
    "$fovea" "$verb" --help | sed -n 's/^.*  \(show this\)$/\1/p' | grep -qx 'show this' || wrong "$verb: --help does not end with --help"
done
for page in "$build"/man/*.1; do
    verb=$(basename "$page" .1)
    verb=${verb#fovea-}
    [ "$verb" = fovea.1 ] || [ "$verb" = fovea ] || echo "$verbs" | grep -qx "$verb" || wrong "$page: there is no such verb"
done

for page in "$build"/man/*.1 "$root"/man/*.3; do
    if command -v groff >/dev/null; then
        said=$(groff -mandoc -ww -Tutf8 -z "$page" 2>&1)
        [ -z "$said" ] || wrong "groff: $said"
    fi
    if command -v mandoc >/dev/null; then
        said=$(mandoc -T lint -W warning "$page" 2>&1)
        [ -z "$said" ] || wrong "mandoc: $said"
    fi
done
# libfovea(3) names every public header but the umbrella and two that hold types only
for header in "$root"/include/fovea/*.h; do
    name=$(basename "$header")
    case $name in fovea.h | version.h | tensor.h) continue ;; esac
    grep -q "fovea/$name" "$root/man/libfovea.3" || wrong "libfovea.3 does not name <fovea/$name>"
done

# ---- completion ----
cat >"$tmp/complete.bash" <<'END'
. "$1"
cd "$2" || exit 1
while IFS= read -r line; do
    COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
    _fovea
    printf '%s|%s\n' "$line" "$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
done
END
mkdir -p "$tmp/files/sub folder"
touch "$tmp/files/a.onnx" "$tmp/files/b picture.jpg"
cat >"$tmp/expected" <<'END'
fovea pred|predict
fovea help be|bench
fovea predict --device |auto cpu null
fovea predict --policy=ne|newest
fovea predict --model a|a.onnx
fovea predict --model |a.onnx b picture.jpg mark person sub folder
fovea inspect p|person
fovea exec a|a.onnx
fovea predict --c:=no -o s|sub folder
fovea predict --save-crop |sub folder
fovea predict |a.onnx b picture.jpg sub folder
fovea predict --conf |
fovea predict a.onnx --c:|v
fovea predict a.onnx --quie|--quiet
fovea completion f|fish
fovea doctor |
fovea nosuch |
END
if command -v bash >/dev/null; then
    cut -d '|' -f 1 "$tmp/expected" >"$tmp/asked"
    bash "$tmp/complete.bash" "$build/completions/bash/fovea" "$tmp/files" <"$tmp/asked" >"$tmp/got" 2>&1
    diff "$tmp/expected" "$tmp/got" || wrong "bash does not complete what is expected (<)"
    # every verb and every flag is offered
    for verb in $verbs; do
        echo "fovea $verb --" | bash "$tmp/complete.bash" "$build/completions/bash/fovea" "$tmp/files" | sed 's/.*|//' | tr ' ' '\n' | sort -u >"$tmp/offered"
        "$fovea" "$verb" --help | sed -n 's/^  \(\(-[^ ,]*, \)\{0,1\}-[^ ]*\).*/\1/p' | tr -d ' ' | tr ',' '\n' | grep -e '^--' | sort -u >"$tmp/help"
        missing=$(comm -23 "$tmp/help" "$tmp/offered")
        [ -z "$missing" ] || wrong "$verb: bash does not offer" $missing
    done
fi
if command -v zsh >/dev/null; then zsh -n "$build/completions/zsh/_fovea" || wrong "zsh does not read its script"; fi
if command -v fish >/dev/null; then
    fish --no-execute "$build/completions/fish/fovea.fish" || wrong "fish does not read its script"
    offered=$(HOME=$tmp fish -c "source '$build/completions/fish/fovea.fish'; complete -C 'fovea predict --policy '" | cut -f1 | tr '\n' ' ')
    [ "$offered" = "auto every newest " ] || wrong "fish offers for --policy: $offered"
fi
[ $failed = 0 ] && echo "$(echo "$verbs" | wc -l) verbs, pages and completions agree with --help"
exit $failed
