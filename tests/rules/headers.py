#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header stands alone, in C99 and in C++17, and needs nobody else's header.

usage: headers.py <root of the project> <C compiler> <C++ compiler>
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import tap

ROOT, CC, CXX = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
PUBLIC = sorted((ROOT / "include/faas").glob("*.h"))
STRICT = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
STANDARD = {
    "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "string.h",
}


def compile_alone(header, compiler, language, standard):
    """Twice in one file: a header must also bear being included again."""
    source = f'#include "{header}"\n#include "{header}"\nint main(void) {{ return 0; }}\n'
    result = subprocess.run(
        [*compiler.split(), "-x", language, f"-std={standard}", *STRICT, f"-I{ROOT}/include", "-"],
        input=source, capture_output=True, text=True,
    )
    return [] if result.returncode == 0 else [f"{header}: {line}" for line in result.stderr.splitlines()]


def as_c99(header):
    return compile_alone(header, CC, "c", "c99")


def as_cxx17(header):
    return compile_alone(header, CXX, "c++", "c++17")


def foreign_includes(header):
    names = re.findall(r"^\s*#\s*include\s*[<\"]([^>\"]+)", header.read_text(), re.M)
    return [f"{header}: includes {n}" for n in names if n not in STANDARD and not n.startswith("faas/")]


def of_text(check, text):
    with tempfile.NamedTemporaryFile("w", suffix=".h") as file:
        file.write(text)
        file.flush()
        return check(pathlib.Path(file.name))


def there_are_public_headers():
    return [] if len(PUBLIC) >= 3 else ["include/faas is nearly empty"]


def each_header_compiles_alone_as_c99():
    return sum(map(as_c99, PUBLIC), [])


def each_header_compiles_alone_as_cxx17():
    return sum(map(as_cxx17, PUBLIC), [])


def no_header_needs_a_third_party():
    return sum(map(foreign_includes, PUBLIC), [])


def a_header_that_forgets_an_include_is_refused():
    return of_text(as_c99, "static inline size_t none(void) { return 0; }\n")


def a_header_newer_than_c99_is_refused():
    return of_text(as_c99, "struct later { int a; struct { int b; }; };\n")


def a_header_without_a_guard_is_refused():
    return of_text(as_c99, "struct twice { int a; };\n")


def a_header_that_is_no_cxx_is_refused():
    return of_text(as_cxx17, "#ifndef G\n#define G\nstatic inline int *p(void *v) { return v; }\n#endif\n")


def a_header_that_includes_libuv_is_refused():
    return of_text(foreign_includes, "#include <uv.h>\n")


tap.run(
    [
        there_are_public_headers,
        each_header_compiles_alone_as_c99,
        each_header_compiles_alone_as_cxx17,
        no_header_needs_a_third_party,
    ],
    [
        a_header_that_forgets_an_include_is_refused,
        a_header_newer_than_c99_is_refused,
        a_header_without_a_guard_is_refused,
        a_header_that_is_no_cxx_is_refused,
        a_header_that_includes_libuv_is_refused,
    ],
)
