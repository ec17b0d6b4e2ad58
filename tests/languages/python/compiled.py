# SPDX-License-Identifier: MIT
"""For a test that takes its byte code: whether the compiler has made its types before."""
MADE = "AST" in [kind.__name__ for kind in object.__subclasses__()]


def compiler_is_there(*_):
    return MADE
