#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the library exports is what the map lists is what the headers declare; nothing else leaks.

usage: symbols.py <root of the project> <shared library> <static library> <C compiler>
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import tap

ROOT, SHARED, STATIC, CC = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
MAP = (ROOT / "lib/faas.map").read_text()


def listed(text):
    """The functions of a version script, of all its nodes."""
    return set(re.findall(r"^\s*(\w+);", text, re.M))


def declared():
    """The functions that the host's headers mark as exported; plugin.h is for plugins."""
    names = set()
    for header in (ROOT / "include/faas").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        names.update(re.findall(r"^FAAS_EXPORT\s[^;(]*?\b(\w+)\(", text, re.M))
    return names


def nm(*arguments):
    """The names that nm prints, without versions and without what a sanitizer adds."""
    lines = subprocess.run(["nm", "-P", *arguments], capture_output=True, text=True, check=True)
    rows = [line.split() for line in lines.stdout.splitlines()]
    names = {row[0].split("@")[0] for row in rows if len(row) > 1 and row[1] != "A"}
    return {name for name in names if not name.startswith(("__odr_asan", "__asan", "__tsan", "__ubsan"))}


def exported(library):
    return nm("-D", "--defined-only", library)


def difference(have, want, what):
    return [f"{what} lacks {name}" for name in sorted(want - have)] + [
        f"{what} has {name} too many" for name in sorted(have - want)
    ]


def not_ours(names, prefixes):
    return [f"{name} is not ours to define" for name in sorted(names) if not name.startswith(prefixes)]


def leaks(library):
    return not_ours(nm("-g", "--defined-only", library), ("faas_", "fa_"))


def built(text, shared):
    """Judge a little library made from `text` as if it were ours."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = pathlib.Path(folder, "bad.c"), pathlib.Path(folder, "bad.o")
        source.write_text(text)
        how = ["-shared", "-fPIC"] if shared else ["-c"]
        subprocess.run([*CC.split(), *how, "-o", library, source], check=True)
        return difference(exported(library), listed(MAP), "it") if shared else leaks(library)


def the_map_lists_what_the_headers_declare():
    return difference(listed(MAP), declared(), "lib/faas.map")


def the_shared_library_exports_what_the_map_lists():
    return difference(exported(SHARED), listed(MAP), SHARED)


def everything_exported_begins_with_faas():
    return not_ours(exported(SHARED), ("faas_",))


def the_static_library_defines_only_names_of_ours():
    return leaks(STATIC)


def a_shared_library_that_exports_a_helper_is_refused():
    functions = "".join(f"void {name}(void) {{}}\n" for name in listed(MAP))
    return built(functions + "void helper(void) {}\n", shared=True)


def a_shared_library_that_lacks_a_function_is_refused():
    functions = "".join(f"void {name}(void) {{}}\n" for name in sorted(listed(MAP))[1:])
    return built(functions, shared=True)


def a_static_library_that_defines_a_helper_is_refused():
    return built("void fa_good(void) {}\nint helper;\n", shared=False)


def a_map_with_a_function_nobody_declares_is_refused():
    return difference(listed(MAP + "\tfaas_secret;\n"), declared(), "the map")


tap.run(
    [
        the_map_lists_what_the_headers_declare,
        the_shared_library_exports_what_the_map_lists,
        everything_exported_begins_with_faas,
        the_static_library_defines_only_names_of_ours,
    ],
    [
        a_shared_library_that_exports_a_helper_is_refused,
        a_shared_library_that_lacks_a_function_is_refused,
        a_static_library_that_defines_a_helper_is_refused,
        a_map_with_a_function_nobody_declares_is_refused,
    ],
)
