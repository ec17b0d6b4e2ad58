#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A header that gives llhttp's functions names of ours, so that a host may have an llhttp of its own.

usage: rename.py <llhttp.h> <output> [<llhttp's source>...]
"""
import pathlib
import re
import sys

header, output, *sources = sys.argv[1:]
names = set()
for source in sources:
    names.update(re.findall(r"\b(llhttp_\w+) ?\(", pathlib.Path(source).read_text()))
lines = ["/* Made by lib/http/rename.py */"]
lines += [f"#define {name} fa_{name}" for name in sorted(names)]
lines += [f'#include "{header}"' if sources else f"#include <{header}>", ""]
pathlib.Path(output).write_text("\n".join(lines))
