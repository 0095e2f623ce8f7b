#!/usr/bin/env python3
"""Checks the house rules of the source tree: who may include whom, what may be called where, sizes, blanks, names in docs.

Runs as the tests `lint_*`. Usage: check_layers.py [ROOT] [--only layers,calls,style,docs]; exit 1 when a rule is broken.
"""
import os
import re
import subprocess
import sys

# Height of every folder of src/. A folder may use what CMakeLists.txt lists behind it (fv_folder), and everything that
# those use; every such use must go down here.
LEVEL = {
    "base": 0, "kern": 1, "model/tensor": 1, "model/builtin": 1, "image": 2, "model/graph": 3, "backend": 4,
    "model/onnx": 5, "model/rewrite": 5, "backend/cpu": 5, "backend/null": 5, "vision/mask": 1, "vision/heads": 5, "vision/tiles": 5, "vision/clean": 5,
    "model/plan": 6, "vision/track": 6, "vision/score": 6, "vision/count": 7, "vision/paint": 8,
    "model/engine": 7, "model/quant": 8, "report": 7, "media": 7, "flow": 9, "api": 10,
}
# Uses of headers only: prep writes into tensors, the contract of the backends has no library, media is a library of its
# own (cmake/FoveaMedia.cmake).
EXTRA_USES = {"image": ["model/tensor"], "backend": ["model/graph", "model/tensor", "kern"], "media": ["image", "base"]}
MAY_USE_BACKEND_H = ["backend/cpu", "backend/null", "model/plan", "model/engine"]

ONLY_IN = [  # pattern of an included header, folders where it may stand, what it is
    (r"^(libav|libsw|libpostproc)", ["src/media"], "FFmpeg"),
    (r"^(turbojpeg|jpeglib|ft2build|freetype)", ["src/media"], "libjpeg-turbo and FreeType"),
    (r"^(cuda|cudnn|cublas|nvjpeg|nvrtc)", ["src/backend/cuda"], "CUDA"),
    (r"^(immintrin|x86intrin|emmintrin|arm_neon)", ["src/*/x86", "src/*/*/x86", "src/*/arm", "tests/checkkern"], "intrinsics"),
    (r"^(cyaml|yaml|cJSON|cjson)", ["tools", "tests", "fuzz"], "YAML and JSON readers"),
]
NOT_IN_LIBRARY = r"(?:v?d?printf|v?fprintf|puts|fputs|putchar|putc|perror|exit|_exit|_Exit|quick_exit|abort|assert|signal|sigaction|getenv|setenv|setlocale|system|popen|fork|rand|srand|strtok|alloca)"
NOT_OUTSIDE_BASE = r"(?:malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf|aligned_alloc|posix_memalign|memalign)"
IN_A_CHILD = {"src/kern/probe.c": ("sigaction", "_exit")}  # in the child process only, which must not keep the application's handlers
CALL = r"(?<![\w.>])%s\s*\("

MAX_LINES, ASK_LINES = 1000, 600
MAX_PUBLIC, MAX_README = 400, 150
TEXT = (".c", ".h", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".in", ".yaml", ".yml", ".cu", ".1", ".html")
SKIP = ("tests/data/",)
MACHINE = re.compile(r"(?<![\w./}$-])/(?:work|home|root|mnt|media/\w|Users|opt/\w)(?:/|\b)|(?<![\w.:/-])/tmp(?:/|\b)")
MACHINE_OK = re.compile(r"\$\{TMPDIR:-/tmp\}|/tmp/[\w-]+X{6}")  # mktemp says where

problems, notes = [], []


def problem(path, line, text):
    problems.append(f"{path}:{line}: {text}" if line else f"{path}: {text}")


def list_files(root):
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True).stdout
        files = [f for f in out.decode().split("\0") if f]
    except (OSError, subprocess.CalledProcessError):
        files = []
        for at, dirs, names in os.walk(root):
            dirs[:] = [d for d in dirs if not d.startswith(".") and not d.startswith("build") and d != "demo-out"]
            files += [os.path.relpath(os.path.join(at, n), root) for n in names]
    return sorted(f for f in set(files) if os.path.isfile(os.path.join(root, f)) and not os.path.islink(os.path.join(root, f)))


def strip_code(text):
    """Comments and the insides of strings blanked; line numbers kept."""
    pattern = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def folder_of(path):
    """The folder of LEVEL that a path below src/ belongs to."""
    best = ""
    for f in LEVEL:
        if path.startswith(f + "/") and len(f) > len(best):
            best = f
    return best


def cmake_uses(root):
    uses = {}
    for line in open(os.path.join(root, "CMakeLists.txt"), encoding="utf-8"):
        m = re.match(r"\s*fv_folder\(([^)]*)\)", line)
        if m:
            words = m.group(1).split()
            uses[words[0]] = words[1:]
    for name, more in EXTRA_USES.items():
        uses[name] = uses.get(name, []) + more
    for name in MAY_USE_BACKEND_H:
        uses[name] = uses.get(name, []) + ["backend"]
    return uses


def reach(uses, name, seen=None):
    seen = set() if seen is None else seen
    for u in uses.get(name, []):
        if u not in seen:
            seen.add(u)
            reach(uses, u, seen)
    return seen


def check_layers(root, files):
    uses = cmake_uses(root)
    for name, used in uses.items():
        if name not in LEVEL:
            problem("CMakeLists.txt", 0, f"folder {name} has no level in scripts/check_layers.py")
            continue
        for u in used:
            if u not in LEVEL or LEVEL[u] > LEVEL[name] or (LEVEL[u] == LEVEL[name]):
                problem("CMakeLists.txt", 0, f"{name} may not use {u}: uses must go down")
    include = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", re.M)
    for path in files:
        if not path.endswith((".c", ".h")):
            continue
        text = open(os.path.join(root, path), encoding="utf-8", errors="replace").read()
        for m in include.finditer(text):
            line, quote, header = text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)
            for pattern, where, what in ONLY_IN:
                if re.match(pattern, header) and not any(re.match("^" + w.replace("*", "[^/]+") + "/", path) for w in where):
                    problem(path, line, f"includes {header}: {what} only in {', '.join(where)}")
            if path.startswith("src/"):
                check_src_include(root, path, line, quote, header, uses)
            elif path.startswith("include/") and not (quote == "<" and (header.startswith("fovea/") or header in ("stddef.h", "stdint.h", "stdbool.h"))):
                problem(path, line, f"includes {header}: a public header includes public headers and stddef/stdint only")
            elif path.startswith("tools/") and quote == '"' and not os.path.isfile(os.path.join(root, os.path.dirname(path), header)):
                problem(path, line, f"includes {header}: tools use public headers only")


def check_src_include(root, path, line, quote, header, uses):
    own = folder_of(path[4:])
    if not own:
        problem(path, line, "lies in a folder that has no level in scripts/check_layers.py")
    elif quote == '"' and not os.path.isfile(os.path.join(root, os.path.dirname(path), header)):
        other = folder_of(header)
        if not os.path.isfile(os.path.join(root, "src", header)):
            problem(path, line, f"includes {header}, which does not exist")
        elif other != own and other not in reach(uses, own):
            problem(path, line, f"includes {header}: {own} may not use {other}")


def check_calls(root, files):
    for path in files:
        if not path.startswith(("src/", "include/")) or not path.endswith((".c", ".h")):
            continue
        code = strip_code(open(os.path.join(root, path), encoding="utf-8", errors="replace").read())
        for m in re.finditer(CALL % NOT_IN_LIBRARY, code):
            if m.group().rstrip(" (") not in IN_A_CHILD.get(path, ()):
                problem(path, code.count("\n", 0, m.start()) + 1, f"calls {m.group().rstrip(' (')}: not in the library")
        if path.startswith("src/base/"):
            continue
        for m in re.finditer(CALL % NOT_OUTSIDE_BASE, code):
            problem(path, code.count("\n", 0, m.start()) + 1, f"calls {m.group().rstrip(' (')}: use base/alloc.h")


def check_style(root, files):
    for path in files:
        name = os.path.basename(path)
        is_text = path.endswith(TEXT) or name in ("test.sh", "demo.sh", "run", "LICENSE", ".gitignore", ".clang-format")
        if not is_text or path.startswith(SKIP):
            continue
        raw = open(os.path.join(root, path), "rb").read()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            problem(path, 0, "is not UTF-8")
            continue
        lines = text.split("\n")
        code = path.endswith((".c", ".h", ".py", ".cmake", ".sh", ".cu"))
        if text and not text.endswith("\n"):
            problem(path, len(lines), "has no newline at its end")
        if text.endswith("\n\n"):
            problem(path, len(lines), "ends in an empty line")
        for n, line in enumerate(lines, 1):
            if "\r" in line:
                problem(path, n, "has a carriage return")
            if code and "\t" in line:
                problem(path, n, "has a tab")
            if line != line.rstrip() and not path.endswith(".md"):
                problem(path, n, "has trailing blanks")
            if re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", line):
                problem(path, n, "has an invisible character")
            if MACHINE.search(MACHINE_OK.sub("", line)) and path != "scripts/check_layers.py":
                problem(path, n, "names a path of one machine")
        check_size(path, lines, text)


def check_size(path, lines, text):
    generated = "enerated" in text[:200]
    n = len(lines) - 1
    if path.endswith((".c", ".h", ".py")) and not generated:
        if n > MAX_LINES:
            problem(path, 0, f"has {n} lines, {MAX_LINES} is the limit")
        elif n > ASK_LINES:
            notes.append(f"{path}: has {n} lines; could it be two files?")
    if path.startswith("include/") and n > MAX_PUBLIC:
        problem(path, 0, f"has {n} lines, {MAX_PUBLIC} is the limit of a public header")
    if path == "README.md" and n > MAX_README:
        problem(path, 0, f"has {n} lines, {MAX_README} is the limit")
    if path.startswith(("src/", "tools/", "include/", "fuzz/")) and path.endswith((".c", ".h")) and not text.startswith("/*"):
        problem(path, 1, "does not start with a comment that says what it is for")


def check_docs(root, files):
    code = {p: open(os.path.join(root, p), encoding="utf-8", errors="replace").read() for p in files if p.startswith(("src/", "include/", "tools/")) and p.endswith((".c", ".h"))}
    everything = "\n".join(code.values())
    for path in files:
        if not (path.startswith("docs/") or path == "README.md") or not path.endswith(".md"):
            continue
        text = open(os.path.join(root, path), encoding="utf-8", errors="replace").read()
        for m in re.finditer(r"`([^`\n]+)`", text):
            line, word = text.count("\n", 0, m.start()) + 1, m.group(1)
            where = re.match(r"^((?:src|tools|include|tests|fuzz|scripts)/[\w./-]+\.\w+)(?::(\w+))?$", word)
            if where and not os.path.isfile(os.path.join(root, where.group(1))):
                problem(path, line, f"names {where.group(1)}, which does not exist")
            elif where and where.group(2) and not re.search(r"\b%s\s*\(" % where.group(2), code.get(where.group(1), "")):
                problem(path, line, f"names {where.group(2)}, which is not in {where.group(1)}")
            elif re.match(r"^fvi?_\w+(\(\))?$", word) and not re.search(r"\b%s\b" % word.rstrip("()"), everything) and not word.endswith("_"):
                problem(path, line, f"names {word}, which does not exist")


CHECKS = {"layers": check_layers, "calls": check_calls, "style": check_style, "docs": check_docs}


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    only = next((a.split("=", 1)[1].split(",") for a in sys.argv[1:] if a.startswith("--only=")), list(CHECKS))
    root = args[0] if args else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = list_files(root)
    for name in only:
        CHECKS[name](root, files)
    for n in notes:
        print("note:", n)
    for p in problems:
        print(p)
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
