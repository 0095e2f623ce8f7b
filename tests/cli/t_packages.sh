# README.md and demo.sh install the same packages, test.sh these and more, and every library CMake looks for comes from one.
root=$DATA/../..
words() { tr -s ' \\\n' '\n' | grep -x '[a-z][a-z0-9+.-]*' | sort; }
sed -n '/^sudo apt-get install/,/[^\\]$/p' "$root/README.md" | sed 's/^sudo apt-get install//' | words >readme
sed -n 's/^packages="\(.*\)"$/\1/p' "$root/demo.sh" | words >demo
sed -n '/^packages="/,/"$/p' "$root/test.sh" | sed 's/packages=//; s/"//g' | words >test
cat demo
diff readme demo
comm -23 demo test | sed 's/$/ is not in test.sh/'
sed -n 's/.*pkg_check_modules([A-Z]* \(REQUIRED \)\{0,1\}IMPORTED_TARGET \(.*\))/\2/p' "$root"/cmake/*.cmake "$root"/tools/fovea/CMakeLists.txt |
    tr ' ' '\n' | sort | while read -r module; do
    case $module in libturbojpeg) package=libturbojpeg0-dev ;; freetype2) package=libfreetype-dev ;; yaml-0.1) package=libyaml-dev ;; *) package=$module-dev ;; esac
    grep -qx "$package" demo || echo "$module: no package"
done
