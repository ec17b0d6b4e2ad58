#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files as arrays of C: embed.py OUTPUT FILE..."""
import pathlib
import sys

with open(sys.argv[1], "w", encoding="ascii") as out:
    for path in map(pathlib.Path, sys.argv[2:]):
        out.write(f"static const unsigned char {path.name.replace('.', '_')}[] = {{\n")
        out.write(",".join(map(str, path.read_bytes())) + "\n};\n")
