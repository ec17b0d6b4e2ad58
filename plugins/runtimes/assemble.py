#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A runtime as it is installed: its files, what was built for it, and byte code of what is Python.

The directory of a runtime cannot be written to when it is used, and to compile it anew at
each cold start would take longer than to start Python.

usage: assemble.py <directory of the sources> <directory to make> <file>...
"""
import compileall
import pathlib
import py_compile
import shutil
import sys

source, target, files = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
shutil.rmtree(target, ignore_errors=True)
for file in map(pathlib.Path, files):
    inside = file.resolve().is_relative_to(source.resolve())
    place = target / (file.resolve().relative_to(source.resolve()) if inside else file.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, place)
# By what is in the files and not by their times, which installing changes.
done = compileall.compile_dir(
    target, quiet=1, stripdir=str(target), prependdir="/var/runtime",
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
sys.exit(not done)
