# Flags: what the program knows, the man page and the documents agree; each verb shows an example. `.Ss TITLE (VERB, ...)`
# in the man page says whose flags follow.
root=$DATA/../..
help_flags() { fovea "$1" --help | awk '/^  -/ { for (i = 1; i <= NF && $i ~ /^-/; i++) { sub(",", "", $i); print $i } }' | sort -u; }
man_flags() {
    awk -v verb="$1" '/^\.S[hs]/ { on = $0 ~ "[(, ]" verb "[,)]" || /\(all verbs\)/ }
        on && /^\.It Fl/ { gsub(/\\-/, "-"); for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' "$root/man/fovea.1" | sort -u
}
verbs=$(fovea help | awk '/^  [a-z]/ { print $1 }')
echo verbs: $verbs
for verb in $verbs; do
    help_flags "$verb" >"$verb"
    man_flags "$verb" >man
    echo "$verb: $(grep -c . <"$verb" | awk '{ print ($1 >= 5 ? "has flags" : "has too few flags") }')"
    comm -23 "$verb" man | sed 's|$| is not in man/fovea.1|'
    comm -13 "$verb" man | sed 's|$| is in man/fovea.1 only|'
    fovea "$verb" --help | sed -n '/^example$/,$p' | grep -q "^  fovea $verb" || echo "no example"
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
