#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a reader may count on: a licence in line 1, short files, short functions, narrow lines.

usage: style.py <root of the project>
"""
import pathlib
import re
import sys
import tempfile

import tap

ROOT = pathlib.Path(sys.argv[1])
MAX_FILE, MAX_FUNCTION, MAX_COLUMNS = 700, 70, 100
FOLDERS = ("include", "lib", "plugins", "tests", "bench", "examples")
TOP = {
    "meson.build", "meson.options", "README.md", "LICENSE", "include", "lib", "plugins", "tests",
    "bench", "examples",
}


def functions(lines):
    """(line number, length) of each function body: from a '{' to a '}' in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            yield start, number - start + 1
            start = None


def may_be_wide(line, following):
    """The rows of a decision table, its heading, and a name that cannot be broken."""
    row = re.compile(r"\t\[\w+\]\s*=\s*\{")
    return row.match(line) or row.match(following) or re.fullmatch(r"\s*\w+\W*", line)


def judge(name, text):
    lines, found = text.split("\n"), []
    if "SPDX-License-Identifier: MIT" not in lines[0]:
        found.append(f"{name}:1: no licence")
    if len(lines) - 1 > MAX_FILE:
        found.append(f"{name}: {len(lines) - 1} lines, {MAX_FILE} are accepted")
    for number, length in functions(lines):
        if length - 2 > MAX_FUNCTION:
            found.append(f"{name}:{number}: a function of {length - 2} lines")
    for number, (line, following) in enumerate(zip(lines, lines[1:] + [""]), 1):
        if len(line.expandtabs(8)) > MAX_COLUMNS and not may_be_wide(line, following):
            found.append(f"{name}:{number}: wider than {MAX_COLUMNS} columns")
        if line != line.rstrip():
            found.append(f"{name}:{number}: blanks at the end")
        if re.match(r" {4,}\S", line) and not re.match(r"\s*\*", line):
            found.append(f"{name}:{number}: indented by blanks")
    return found


def every_file_is_easy_on_its_reader():
    files = [f for folder in FOLDERS for f in sorted((ROOT / folder).rglob("*.[ch]"))]
    return sum((judge(f.relative_to(ROOT).as_posix(), f.read_text()) for f in files), [])


def the_top_level_holds_what_it_should():
    have = {p.name for p in ROOT.iterdir() if not p.name.startswith(".")}
    built = {name for name in have if re.fullmatch(r"build(-\w+)?(\.log)?|stage|thumbnails", name)}
    return [f"{name} has no place here" for name in sorted(have - built - TOP)] + [
        f"{name} is missing" for name in sorted(TOP - have)
    ]


def is_built(root, file):
    """Whether a meson.build beside or above a source names it, by path, with or without `.c`."""
    for folder in file.parents:
        path = file.relative_to(folder).as_posix()
        meson = folder / "meson.build"
        text = meson.read_text() if meson.exists() else ""
        if f"'{path}'" in text or f"'{path.removesuffix('.c')}'" in text:
            return True
        if folder == root:
            return False


def forgotten(root):
    files = [f for folder in ("lib", "plugins", "tests", "bench") for f in (root / folder).rglob("*.c")]
    return [f"{f.relative_to(root)} is in no meson.build" for f in files if not is_built(root, f)]


def every_source_is_built_by_somebody():
    return forgotten(ROOT)


HEAD = "/* SPDX-License-Identifier: MIT */\n"


def what_is_within_every_limit_is_accepted():
    body = "\treturn;\n" * MAX_FUNCTION
    return judge("good.c", HEAD + "void f(void)\n{\n" + body + "}\n" + "\n" * 600 + "x" * MAX_COLUMNS)


def a_file_without_a_licence_is_refused():
    return judge("bad.c", "int x;\n")


def a_file_that_is_too_long_is_refused():
    return judge("bad.c", HEAD + "\n" * MAX_FILE)


def a_function_that_is_too_long_is_refused():
    return judge("bad.c", HEAD + "void f(void)\n{\n" + "\treturn;\n" * (MAX_FUNCTION + 1) + "}\n")


def a_line_that_is_too_wide_is_refused():
    return judge("bad.c", HEAD + "\tx = " + "x" * (MAX_COLUMNS - 11) + "\n")


def a_source_that_nobody_builds_is_refused():
    with tempfile.TemporaryDirectory() as root:
        lib = pathlib.Path(root, "lib")
        lib.mkdir()
        (lib / "meson.build").write_text("sources = files('other.c')\n")
        (lib / "new.c").write_text(HEAD)
        return forgotten(pathlib.Path(root))


def blanks_where_tabs_belong_are_refused():
    return judge("bad.c", HEAD + "        return 0;\n")


tap.run(
    [
        every_file_is_easy_on_its_reader,
        every_source_is_built_by_somebody,
        the_top_level_holds_what_it_should,
        what_is_within_every_limit_is_accepted,
    ],
    [
        a_file_without_a_licence_is_refused,
        a_file_that_is_too_long_is_refused,
        a_function_that_is_too_long_is_refused,
        a_line_that_is_too_wide_is_refused,
        a_source_that_nobody_builds_is_refused,
        blanks_where_tabs_belong_are_refused,
    ],
)
