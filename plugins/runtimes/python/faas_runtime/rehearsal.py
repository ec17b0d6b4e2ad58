# SPDX-License-Identifier: MIT
"""
What the first import and the first event of an interpreter make, later ones find made: the types
of the compiler above all, a millisecond of work. A template has no function to do it with. So
it does it with this module, by the doors by which functions come, and nothing is left of it.
"""
import os
import sys

import faas_runtime
from faas_runtime import function, logs
from faas_runtime.context import About

EVENT = b'{"text": "a\\u00e9", "list": [1, -2.5, true, null, {}]}'


class Part:
    def __init__(self, of):
        self.of = [*of]

    @property
    def answer(self):
        return {"of": self.of, "text": f"{len(self.of)!s:>4}"}


def handler(event, context):
    try:
        return Part(event or ()).answer if context.aws_request_id else None
    finally:
        context.get_remaining_time_in_millis()


def forget():
    """What is looked up by its name or told in a log is not of a function."""
    sys.modules.pop(__name__, None)
    vars(faas_runtime).pop("rehearsal", None)
    logs.request_id = logs.tenant_id = ""
    os.environ.pop("_X_AMZN_TRACE_ID", None)


def rehearse():
    source = __spec__.loader.get_data(__file__)
    __spec__.loader.source_to_code(source, __file__)
    forget()
    played = function.load(f"{__name__}.handler")
    function.invoke(played, EVENT, About("rehearsal", 0, trace_id="rehearsal"))
    forget()
