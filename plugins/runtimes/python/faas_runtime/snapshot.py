# SPDX-License-Identifier: MIT
"""The hooks of a function that is started from a snapshot."""
import os
import sys

import snapshot_restore_py

from faas_runtime.errors import Fault


def run(hooks, kind):
    for function, args, kwargs in hooks:
        try:
            function(*args, **kwargs)
        except Exception as error:
            raise Fault(kind, f"{type(error).__name__}: {error}") from error


def before():
    """In the reverse of the order in which they were registered, as Lambda does."""
    run(reversed(snapshot_restore_py.before), "Runtime.BeforeSnapshotError")


def part():
    """What was started once, whoever imported it, or all that begin with it would draw the same."""
    if "random" in sys.modules:
        sys.modules["random"].seed()
    if "_ssl" in sys.modules:
        sys.modules["_ssl"].RAND_add(os.urandom(32), 32.0)


def after():
    part()
    run(snapshot_restore_py.after, "Runtime.AfterRestoreError")
