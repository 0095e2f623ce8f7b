# Flags that documents name are flags that the program knows (manual pages: pages.sh).
root=$DATA/../..
verbs=$(fovea help | awk '/^  [a-z]/ { print $1 }')
for verb in $verbs; do
    fovea "$verb" --help | awk '/^  -/ { for (i = 1; i <= NF && $i ~ /^-/; i++) { sub(",", "", $i); print $i } }' | sort -u >"$verb"
done
# every command line of README.md
sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$root/README.md" | sed -n 's/ # .*//; s/^\(\.\/build\/release\/\)\{0,1\}fovea \([a-z]*\) *\(.*\)/\2 \3/p' >commands
grep -c . commands
while read -r verb words; do
    for word in $words; do
        case $word in -*) grep -qx -e "${word%%=*}" "$verb" || echo "README.md: fovea $verb has no $word" ;; esac
    done
done <commands
# flags that documents name; README.md also speaks of demo.sh
grep -o -e '--[a-z-]*' "$root/demo.sh" >demo
for file in docs/FORMATS.md docs/COUNTING.md README.md; do
    grep -o '`--*[a-zA-Z][^ `=]*' "$root/$file" | tr -d '`' | sort -u >named
    sort -u $verbs demo | comm -13 - named | sed "s|^|$file: no verb has |"
done
