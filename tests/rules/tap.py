# SPDX-License-Identifier: MIT
"""Rule tests in the Test Anything Protocol: each test is a function whose name is the promise.

A test returns a list of violations; an empty list is success. A control is given
something bad on purpose and must return violations: it proves that the rule bites.
"""
import sys


def run(tests, controls):
    print(f"1..{len(tests) + len(controls)}")
    failed = False
    for number, test in enumerate(tests + controls, 1):
        violations = test()
        if test in controls:
            ok, notes = bool(violations), ["the bad input was accepted"]
        else:
            ok, notes = not violations, violations
        print(f"{'ok' if ok else 'not ok'} {number} - {test.__name__}")
        for note in [] if ok else notes:
            print(f"# {note}")
        failed |= not ok
    sys.exit(failed)
