# pages.awk: the tables of `fovea completion tables` -> one manual page a verb (mdoc), fovea-VERB.1 in the folder `out`.
# Run by make_pages.sh when the program was built, so that a page cannot say anything else than `fovea VERB --help`.
# -v out=FOLDER -v date="November 1, 2026"
BEGIN { FS = "\t" }

# Text that comes from a program: nothing in it is a request, and a hyphen is a minus that can be copied.
function plain(s) {
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    if (s ~ /^[.']/) s = "\\&" s
    return s
}
# An argument of a macro: words of two or three letters could be macros themselves, punctuation would be set apart.
function arg(s) {
    s = plain(s)
    if (s ~ /^[A-Z][a-z]$/ || s ~ /^[.,:;()[\]?!|]$/) s = "\\&" s
    gsub(/ /, "\\ ", s)
    gsub(/"/, "\\(dq", s)
    return s
}
function put(s) { print s > page }
function leave_options() {
    if (in_list) put(".El")
    in_list = 0
}
function finish() {
    if (!page) return
    leave_options()
    put(".Sh EXIT STATUS")
    put("0 when all was done; the other codes are those of all verbs, in")
    put(".Xr fovea 1 .")
    put(".Sh EXAMPLES")
    for (i = 1; i <= n_examples; i++) put(".Dl " plain(examples[i]))
    put(".Sh SEE ALSO")
    put(".Xr fovea 1")
    close(page)
}

$1 == "verb" {
    finish()
    verb = $2
    page = out "/fovea-" verb ".1"
    n_examples = in_list = said = 0
    put(".\\\" Made by man/pages.awk from the program's own tables; do not edit.")
    put(".Dd " date)
    put(".Dt FOVEA\\-" toupper(verb) " 1")
    put(".Os")
    put(".Sh NAME")
    put(".Nm fovea\\-" verb)
    put(".Nd " plain($3))
}
$1 == "usage" {
    put(".Sh SYNOPSIS")
    put(".Nm fovea")
    put(".Cm " verb)
    n = split($2, words, " ")
    for (i = 1; i <= n; i++) {
        w = words[i]
        if (w ~ /^\[/) { # [-o PATH]: the words up to the closing bracket
            while (w !~ /\]$/ && i < n) w = w " " words[++i]
            put(".Op " synopsis(substr(w, 2, length(w) - 2)))
        } else if (w ~ /^-/ && i < n && words[i + 1] !~ /^[-[]/) {
            put("." synopsis(w " " words[++i]))
        } else {
            put("." synopsis(w))
        }
    }
    put(".Sh DESCRIPTION")
}
# "--line NAME=…" -> Fl \-line Ar NAME=…
function synopsis(s,   parts, k, m, line) {
    m = split(s, parts, " ")
    for (k = 1; k <= m; k++)
        line = line (k > 1 ? " " : "") (parts[k] ~ /^-/ ? "Fl " plain(substr(parts[k], 2)) : "Ar " arg(parts[k]))
    return line
}
$1 == "details" {
    gsub(/\. +/, ".\n", $2) # mdoc wants a sentence to begin a line
    put($2 ~ /^ / ? ".Dl " plain(substr($2, match($2, /[^ ]/))) : $2 == "" ? ".Pp" : plain($2))
    said = 1
}
$1 == "group" {
    leave_options()
    if (!n_groups[verb]++) {
        if (!said) put("Flags and values are as in the other verbs.")
        put(".Sh OPTIONS")
    }
    put(".Ss " toupper(substr($2, 1, 1)) plain(substr($2, 2)))
    put(".Bl -tag -width Ds")
    in_list = 1
}
$1 == "flag" {
    dash = length($2) > 1 ? "\\-" : ""
    line = ".It Fl " dash plain($2)
    if (length($3) == 1 && $3 != "-") line = ".It Fl " plain($3) " , Fl " dash plain($2)
    put(line ($5 == "-" && $4 == "switch" ? "" : " Ar " arg($5)))
    put(plain($6))
}
$1 == "example" { examples[++n_examples] = $2 }
END { finish() }
