# SPDX-License-Identifier: MIT
"""What is drawn when the module is imported and later, and what hooks around a snapshot saw."""
import os
import random

import snapshot_restore_py

DRAWN = os.urandom(8).hex()
seen = [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
snapshot_restore_py.register_before_snapshot(seen.append, "before")
snapshot_restore_py.register_after_restore(seen.append, "after")


def drawn(*_):
    return DRAWN


def random_bits(*_):
    return f"{random.getrandbits(64):016x}"


def kinds(*_):
    return " ".join(seen)
