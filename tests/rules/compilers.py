#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No compiler has anything to say: each source file, as gcc and as clang see it.

The build has asked only one of them. A compiler that is not installed is skipped.

usage: compilers.py <root of the project> <build directory, for generated headers>
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

import tap

ROOT, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes", "-Wstrict-prototypes"]


def complaints(compiler, file, text=None):
    # The one program that uses libseccomp's macros, which leave fields out.
    lenient = ["-Wno-missing-field-initializers"] if "seccomp_compile" in str(file) else []
    command = [compiler, "-std=gnu11", "-D_GNU_SOURCE", *WARNINGS, *lenient, "-O2", "-fsyntax-only",
               "-DFA_WORKER_PATH=\"\"", f"-I{ROOT}/lib", f"-I{BUILD}/lib", f"-I{ROOT}/include",
               "-x", "c", file]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    return result.stderr.splitlines() if result.returncode else []


def judge(compiler):
    if not shutil.which(compiler):
        return []
    files = sorted((ROOT / "lib").rglob("*.c"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(lambda file: complaints(compiler, file), files), [])


def gcc_has_nothing_to_say():
    return judge("gcc")


def clang_has_nothing_to_say():
    return judge("clang")


def a_file_with_an_unused_variable_is_refused():
    compiler = "clang" if shutil.which("clang") else "gcc"
    return complaints(compiler, "-", "int main(void) { int unused; return 0; }\n")


tap.run(
    [gcc_has_nothing_to_say] + ([clang_has_nothing_to_say] if shutil.which("clang") else []),
    [a_file_with_an_unused_variable_is_refused],
)
