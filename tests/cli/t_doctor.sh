# The machine differs, the lines do not.
fovea doctor >out.txt; echo "=> $?"
for word in fovea cpu levels cores memory gpu media models caches; do
    grep -q "^$word  *[^ ]" out.txt && echo "$word is said" || echo "$word is missing"
done
