#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Count test functions in a meson test log, and show what failed.

usage: count.py <testlog.json>      prints "<passed> <failed> <skipped>", details on stderr
"""
import json
import re
import sys

TAP = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*)$", re.M)


def judge(test):
    """(passed, failed, skipped, what to show) of one test program."""
    passed, failed, skipped, shown = 0, 0, 0, []
    for wrong, text in TAP.findall(test.get("stdout", "")):
        if re.search(r"#\s*SKIP", text, re.I):
            skipped += 1
        elif wrong:
            failed += 1
            shown.append(text)
        else:
            passed += 1
    result = test["result"]
    if result == "SKIP" and not passed + skipped:
        skipped += 1
    elif result not in ("OK", "EXPECTEDFAIL", "SKIP") and not failed:
        # It crashed, hung or complained at its end: that is one failure more.
        failed += 1
        shown.append(f"{result}, exit status {test['returncode']}")
    elif not passed + failed + skipped:
        passed += 1
    return passed, failed, skipped, shown


def report(lines):
    """What a sanitizer found: its first words with the stack behind them, and its last."""
    for start, line in enumerate(lines):
        if re.search(r"(ERROR|WARNING): \w+Sanitizer|runtime error:", line):
            return lines[start : start + 30] + [s for s in lines if s.startswith("SUMMARY:")]
    return lines[-25:]


def tail(test):
    notes = [line for line in test.get("stdout", "").splitlines() if line.startswith("#")]
    return notes[-15:] + report(test.get("stderr", "").splitlines())


def main():
    totals = [0, 0, 0]
    with open(sys.argv[1]) as log:
        for test in map(json.loads, log):
            passed, failed, skipped, shown = judge(test)
            totals = [a + b for a, b in zip(totals, (passed, failed, skipped))]
            for text in shown:
                print(f"    failed: {test['name']}: {text}", file=sys.stderr)
            for line in tail(test) if shown else []:
                print(f"        {line}", file=sys.stderr)
    print(*totals)


main()
