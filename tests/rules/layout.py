#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Public structs and enums grow at the end and never otherwise.

layout.txt remembers every member of every public struct with its offset and size,
and every enumerator with its value. After appending one: layout.py --record.

usage: layout.py <root of the project> <C compiler> [--record]
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import tap

ROOT, CC = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
RECORD = ROOT / "tests/rules/layout.txt"
FROZEN = {"faas_bytes", "faas_error"}  # types.h: no member may ever be added


def plain(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    return re.sub(r"^\s*#(?:[^\n\\]|\\.)*(?:\\\n(?:[^\n\\]|\\.)*)*", "", text, flags=re.M | re.S)


def split(text, mark):
    """Split where `mark` is outside all brackets."""
    parts, depth = [""], 0
    for c in text:
        depth += c in "([{"
        depth -= c in ")]}"
        if c == mark and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return [part.strip() for part in parts if part.strip()]


def member_name(declarator):
    pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)", declarator)
    return pointer.group(1) if pointer else re.findall(r"\w+", declarator.split("[")[0])[-1]


def structs(text):
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\}", text, re.M | re.S):
        yield name, [member_name(d) for line in split(body, ";") for d in split(line, ",")]


def enumerators(text):
    for name, body in re.findall(r"^enum (\w+) \{(.*?)^\}", text, re.M | re.S):
        yield name, [part.split("=")[0].strip() for part in split(body, ",")]


def program(headers):
    """C that prints the layout of what these headers declare."""
    lines = [f'#include "{header}"' for header in headers]
    lines += ["#include <stdio.h>", "int main(void)", "{"]
    for header in headers:
        text = plain(header.read_text())
        for name, members in structs(text):
            for m in members:
                at = f"offsetof(struct {name}, {m}), sizeof(((struct {name} *)0)->{m})"
                lines.append(f'\tprintf("struct {name} {m} %zu %zu\\n", {at});')
        for name, constants in enumerators(text):
            lines += [f'\tprintf("enum {name} {c} %lld\\n", (long long){c});' for c in constants]
    return "\n".join(lines + ["\treturn 0;", "}", ""])


def layout(headers):
    with tempfile.TemporaryDirectory() as folder:
        source, binary = pathlib.Path(folder, "layout.c"), pathlib.Path(folder, "layout")
        source.write_text(program(headers))
        subprocess.run([*CC.split(), f"-I{ROOT}/include", "-o", binary, source], check=True)
        return subprocess.run([binary], capture_output=True, text=True, check=True).stdout.splitlines()


def members(lines):
    """(kind, type) -> its (name, numbers) in order."""
    table = {}
    for line in lines:
        kind, type_, name, *numbers = line.split()
        table.setdefault((kind, type_), []).append((name, tuple(map(int, numbers))))
    return table


def compare(now, recorded):
    """What breaks programs that were compiled against the recorded layout, or was not recorded."""
    found, have = [], members(now)
    for (kind, type_), old in members(recorded).items():
        new = have.pop((kind, type_), [])
        for i, member in enumerate(old):
            if i >= len(new) or new[i] != member:
                found.append(f"{kind} {type_}: {member[0]} was {member[1]}, is {new[i:i + 1]}")
        if type_ in FROZEN and len(new) > len(old):
            found.append(f"{kind} {type_} is frozen for the life of the major version")
        elif len(new) > len(old):
            found.append(f"{kind} {type_} grew: record it with layout.py ... --record")
    return found + [f"{kind} {type_} is new: record it with layout.py ... --record" for kind, type_ in have]


def of_versions(old, new):
    """Judge one struct that changed from `old` to `new`."""
    with tempfile.TemporaryDirectory() as folder:
        header = pathlib.Path(folder, "t.h")
        lines = []
        for text in (old, new):
            header.write_text("#include <stddef.h>\n" + text)
            lines.append(layout([header]))
        return compare(lines[1], lines[0])


def current():
    return layout(sorted((ROOT / "include/faas").glob("*.h")))


def public_structs_and_enums_are_as_recorded():
    return compare(current(), RECORD.read_text().splitlines())


def the_record_is_not_empty():
    return [] if len(members(RECORD.read_text().splitlines())) > 10 else ["layout.txt is nearly empty"]


def an_unchanged_struct_is_accepted():
    text = "struct a {\n\tint x, *y;\n\tint (*z)(int a, int b);\n\tchar w[8];\n};\n"
    return of_versions(text, text)


def a_member_in_the_middle_is_refused():
    return of_versions("struct a {\n\tint x;\n\tint y;\n};\n", "struct a {\n\tint x;\n\tint n;\n\tint y;\n};\n")


def a_member_that_changed_its_size_is_refused():
    return of_versions("struct a {\n\tint x;\n};\n", "struct a {\n\tlong x;\n};\n")


def a_member_that_is_gone_is_refused():
    return of_versions("struct a {\n\tint x;\n\tint y;\n};\n", "struct a {\n\tint x;\n};\n")


def a_member_that_was_not_recorded_is_refused():
    return of_versions("struct a {\n\tint x;\n};\n", "struct a {\n\tint x;\n\tint y;\n};\n")


def an_enumerator_that_changed_its_value_is_refused():
    return of_versions("enum e {\n\tA,\n\tB,\n};\n", "enum e {\n\tB,\n\tA,\n};\n")


if "--record" in sys.argv:
    RECORD.write_text("\n".join(current()) + "\n")
    sys.exit(0)

tap.run(
    [
        public_structs_and_enums_are_as_recorded,
        the_record_is_not_empty,
        an_unchanged_struct_is_accepted,
    ],
    [
        a_member_in_the_middle_is_refused,
        a_member_that_changed_its_size_is_refused,
        a_member_that_is_gone_is_refused,
        a_member_that_was_not_recorded_is_refused,
        an_enumerator_that_changed_its_value_is_refused,
    ],
)
