# SPDX-License-Identifier: MIT
"""A Python function inside the worker: what python.c calls. None, an answer, or (type, body)."""
import io
import os
import sys

import _faas

from faas_runtime import function, logs, rehearsal, snapshot
from faas_runtime.context import About
from faas_runtime.errors import Failure

handler = None


class Stream(io.RawIOBase):
    """Standard output or error, by way of the worker, which wants to know of all that is said."""

    def __init__(self, number):
        self.number = number

    def writable(self):
        return True

    def fileno(self):
        return self.number

    def write(self, data):
        return _faas.put(self.number, data)


def told(failure):
    logs.failed(failure)
    return failure.kind, failure.body()


def load():
    global handler
    try:
        handler = function.load(os.environ["_HANDLER"])
    except Exception as error:  # whatever the module raised
        return told(Failure(error, ""))
    return None


def run(hooks):
    try:
        hooks()
    except Exception as error:
        return told(Failure(error, ""))
    return None


def settle(kind, stream):
    os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] = kind
    os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] = stream


def begin(kind, stream):
    """A template is no environment yet, and no shell is: nothing of the function may be in them."""
    settle(kind, stream)
    for number, name in ((1, "stdout"), (2, "stderr")):
        setattr(sys, name, io.TextIOWrapper(Stream(number), "utf-8", write_through=True, errors=(
            "strict" if number == 1 else "backslashreplace")))
    logs.begin()
    function.find_modules()
    return run(rehearsal.rehearse) if kind == "template" else load()


def before(kind, _):
    return None if kind == "template" else run(snapshot.before)


def after(kind, stream):
    settle(kind, stream)
    if kind == "shell":
        return run(rehearsal.rehearse)
    if kind == "snap-start":
        return run(snapshot.after)
    snapshot.part()
    return load()


def invoke(event, request_id, deadline_ms, arn, trace_id, client_context, tenant_id):
    answer = function.invoke(handler, event, About(
        request_id, deadline_ms, arn, trace_id, client_context, tenant_id=tenant_id))
    return answer if isinstance(answer, bytes) else told(answer)
