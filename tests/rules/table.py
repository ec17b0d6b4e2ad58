#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of rules and the tests that hold them: each test is there, and no rule is without a row.

usage: table.py <root of the project>
"""
import pathlib
import re
import sys
import tempfile

import tap

ROOT = pathlib.Path(sys.argv[1]).resolve()
TABLE = "tests/flow/README.md"
# The numbered rules of the sections that the table has to cover.
RULES = (
    "1.1 1.2 1.3 1.4 2 3.1.1 3.1.2 3.1.3 3.1.4 3.1.5 3.1.6 3.1.7 3.1.8 3.1.9 3.1.10 3.1.11 3.1.12 3.2 3.3 3.4 "
    "5.1 5.2 5.3 5.4 5.5 5.6 6 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 11.1 11.2 11.3 11.4"
).split()
ENDINGS = (".c", ".py", ".mjs", ".sh", ".h")
TEST = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+){2,}\b")
NUMBER = re.compile(r"(\d+(?:\.\d+)*)(?:[-–](\d+(?:\.\d+)*))?")


def rows(root):
    """(line, numbers, what holds it)"""
    for number, line in enumerate((root / TABLE).read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.split(" | ")]
        if line.startswith("| ") and len(cells) == 2 and not line.startswith("| Rule"):
            yield number, set(numbers(cells[0].lstrip("| "))), cells[1].rstrip("| ")


def numbers(rule):
    """ "7.1, 7.6-8 at least once" -> 7.1 7.6 7.7 7.8"""
    for part in re.match(r"(?:\d[\d.\-–]*(?:, |,? |$))*", rule).group().replace(",", " ").split():
        first, last = NUMBER.fullmatch(part).groups() if NUMBER.fullmatch(part) else (part, None)
        yield first
        if last:
            stem, begin = first.rpartition(".")[0::2]
            for n in range(int(begin) + 1, int(last.rpartition(".")[2]) + 1):
                yield f"{stem}.{n}"


def without_notes(text):
    while "(" in text:
        shorter = re.sub(r"\([^()]*\)", "", text)
        if shorter == text:
            break
        text = shorter
    return text


def file_of(root, name, before):
    """A file or a folder; `before`: the folder of the name in front of it."""
    tests = root / "tests"
    places = [tests / name, tests / "flow" / name, root / name]
    if before:
        places.append(before / name)
    for place in places:
        if place.exists():
            return place
        for ending in ENDINGS:
            if place.with_name(place.name + ending).is_file():
                return place.with_name(place.name + ending)
    return None


def text_of(path):
    """With those beside it of the same stem: a test in one language is often started by another."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(path.stem + ".*")
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.suffix in ENDINGS)


def wrong_in(root, held):
    """What one cell names that is not there."""
    found, named = [], 0
    for part in without_notes(held).split(";"):
        names, _, tests = part.partition(":")
        path = None
        for name in filter(None, (name.strip() for name in re.split(r",| and ", names))):
            if name.startswith("not yet"):
                named += 1
                continue
            path = file_of(root, name, path.parent if path else None)
            named += 1
            if not path:
                found.append(f"there is no file of tests '{name}'")
                break
        text = text_of(path) if path else ""
        for test in TEST.findall(tests) if path else ():
            if not re.search(rf"\b{test}\b", text):
                found.append(f"{path.name} has no test {test}")
    return found if named else ["it names neither a test nor a lack"]


def every_test_of_the_table_is_there(root=None):
    return [f"{TABLE}:{line}: {wrong}" for line, _, held in rows(root or ROOT) for wrong in wrong_in(root or ROOT, held)]


def every_rule_has_a_row(root=None):
    told = set().union(*(numbers for _, numbers, _ in rows(root or ROOT)))
    return [f"rule {rule} has no row" for rule in RULES if rule not in told]


def with_table(text):
    """A project with a table of its own and one flow test."""
    root = pathlib.Path(tempfile.mkdtemp())
    (root / "tests/flow").mkdir(parents=True)
    (root / "tests/flow/life.c").write_text("TEST(it_is_there_and_runs)\n", encoding="utf-8")
    (root / TABLE).write_text(f"| Rule | Held by |\n|---|---|\n{text}\n", encoding="utf-8")
    return root


def a_good_row_is_accepted():
    return every_test_of_the_table_is_there(with_table("| 1.1 a name (of it) | life: it_is_there_and_runs (all of it) |"))


def a_test_that_is_not_there_is_seen():
    return every_test_of_the_table_is_there(with_table("| 1.1 a name | life: it_is_there_and_gone |"))


def a_file_that_is_not_there_is_seen():
    return every_test_of_the_table_is_there(with_table("| 1.1 a name | death: it_is_there_and_runs |"))


def a_row_of_nothing_is_seen():
    return every_test_of_the_table_is_there(with_table("| 1.1 a name | (of course) |"))


def a_rule_without_a_row_is_seen():
    row = "| 1.1, 1.2-4, 3.1.1-12, 2, 3.2, 3.3, 3.4, 5.1-6, 6, 7.1-8, 11.1-4 x | life |"
    missing = every_rule_has_a_row(with_table(row))
    return missing if missing == ["rule 7.9 has no row"] else []


if __name__ == "__main__":
    tap.run(
        [every_test_of_the_table_is_there, every_rule_has_a_row, a_good_row_is_accepted],
        [
            a_test_that_is_not_there_is_seen, a_file_that_is_not_there_is_seen, a_row_of_nothing_is_seen,
            a_rule_without_a_row_is_seen,
        ],
    )
