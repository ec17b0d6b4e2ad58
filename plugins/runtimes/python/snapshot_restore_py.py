# SPDX-License-Identifier: MIT
"""What a function imports to be asked before its snapshot and after each start from it."""

before, after = [], []


def register_before_snapshot(function, *args, **kwargs):
    before.append((function, args, kwargs))


def register_after_restore(function, *args, **kwargs):
    after.append((function, args, kwargs))
